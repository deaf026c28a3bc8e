/** ini_get() of everything that fromPhpIni() answers, as PHP itself would use it. */
export const REPORT = `
$flag = fn ($name) => filter_var(ini_get($name), FILTER_VALIDATE_BOOLEAN);
$number = fn ($name, $or = 0) => (int) ini_get($name) ?: $or;
$old = version_compare(phpversion('redis'), '6', '<');
$redis = fn ($name) => ini_get("redis.session.$name") === false ? null : ini_get("redis.session.$name");
echo json_encode([
  'saveHandler' => strtolower(ini_get('session.save_handler')),
  'savePath' => ini_get('session.save_path'),
  'name' => ini_get('session.name'),
  'serializeHandler' => strtolower(ini_get('session.serialize_handler')),
  'serializePrecision' => $number('serialize_precision'),
  'gcMaxlifetime' => $number('session.gc_maxlifetime'),
  'useStrictMode' => $flag('session.use_strict_mode'),
  'lazyWrite' => $flag('session.lazy_write'),
  'sidLength' => $number('session.sid_length'),
  'sidBitsPerCharacter' => $number('session.sid_bits_per_character'),
  'cookieLifetime' => $number('session.cookie_lifetime'),
  'cookiePath' => ini_get('session.cookie_path'),
  'cookieDomain' => ini_get('session.cookie_domain'),
  'cookieSecure' => $flag('session.cookie_secure'),
  'cookieHttponly' => $flag('session.cookie_httponly'),
  'cookieSamesite' => ini_get('session.cookie_samesite'),
  'partitioned' => $flag('session.cookie_partitioned'),
  'cacheLimiter' => ini_get('session.cache_limiter'),
  'cacheExpire' => $number('session.cache_expire'),
  'lockingEnabled' => $flag('redis.session.locking_enabled'),
  'lockExpire' => $number('redis.session.lock_expire'),
  'lockRetries' => $number('redis.session.lock_retries', $old ? 10 : 100),
  'lockWaitTime' => $number('redis.session.lock_wait_time', $old ? 2000 : 20000),
  'onLockFailure' => $redis('lock_failure_readonly') ? 'readonly' : 'error',
  'compression' => $redis('compression') ?? 'none',
  'compressionLevel' => (int) ($redis('compression_level') ?? 3),
]);
`;
