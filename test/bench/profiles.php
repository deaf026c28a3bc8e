<?php
// The blobs of the benchmark, as PHP makes them: several variants of each profile, so that nothing wins by remembering one blob.

namespace Bench {

class Address
{
    public $street;
    protected $zip;
    private $verified = true;

    public function __construct(string $street, string $zip)
    {
        $this->street = $street;
        $this->zip = $zip;
    }
}

class Customer
{
    public $id;
    public $name;
    protected $email;
    private $passwordHash;
    private $address;
    protected $tags;

    public function __construct(int $id, string $name, Address $address)
    {
        $this->id = $id;
        $this->name = $name;
        $this->email = "user$id@example.com";
        $this->passwordHash = md5((string) $id);
        $this->address = $address;
        $this->tags = ['a', 'vip'];
    }
}

final class Profiles
{
    private $random;

    public function __construct(int $variant)
    {
        $this->random = $variant * 7919 + 17;
    }

    private function number(int $max): int
    {
        $this->random = ($this->random * 1103515245 + 12345) & 0x7fffffff;

        return intdiv($this->random, 65536) % $max;
    }

    private function word(int $length): string
    {
        $word = '';
        for ($i = 0; $i < $length; ++$i) {
            $word .= chr(97 + $this->number(26));
        }

        return $word;
    }

    private function korean(int $letters): string
    {
        $word = '';
        for ($i = 0; $i < $letters; ++$i) {
            $code = 0xac00 + $this->number(11172);
            $word .= chr(0xe0 | $code >> 12) . chr(0x80 | $code >> 6 & 0x3f) . chr(0x80 | $code & 0x3f);
        }

        return $word;
    }

    public function tiny(): array
    {
        return ['userid' => $this->korean(3) . $this->word(5), 'logged_in' => true];
    }

    public function typical(): array
    {
        return [
            '_token' => $this->word(40),
            '_previous' => ['url' => 'https://example.com/' . $this->word(12) . '?page=' . $this->number(50)],
            '_flash' => ['old' => [], 'new' => []],
            'login_web_59ba36addc2b2f9401580f014c7f58ea4e30989d' => $this->number(100000),
            'userid' => $this->korean(3) . $this->word(5),
            'user' => ['id' => $this->number(100000), 'name' => $this->korean(3), 'email' => $this->word(8) . '@example.com', 'locale' => 'ko_KR', 'roles' => ['ROLE_USER', 'ROLE_EDITOR'], 'active' => true, 'balance' => $this->number(10000) / 100],
            '_sf2_attributes' => ['_csrf/https-authenticate' => $this->word(43), '_security.last_username' => $this->word(8), '_security_main' => $this->word(220)],
            '_symfony_flashes' => ['success' => ['Saved ' . $this->word(10)]],
            '_sf2_meta' => ['u' => 1700000000 + $this->number(1000000), 'c' => 1700000000 + $this->number(1000), 'l' => 0],
            'last_seen' => 1700000000 + $this->number(1000000),
        ];
    }

    private function item(int $i): array
    {
        return [
            'id' => 1000 + $i, 'sku' => strtoupper($this->word(3)) . '-' . $this->number(10000), 'name' => $this->number(3) === 0 ? $this->korean(6) : 'Product ' . $this->word(8), 'quantity' => 1 + $this->number(5), 'price' => $this->number(100000) / 100, 'weight' => 1 + $this->number(9) + 0.5,
            'options' => ['color' => $this->word(5), 'size' => $this->word(2), 'gift' => $this->number(2) === 1], 'tags' => [$this->word(4), $this->word(6)], 'added' => 1700000000 + $this->number(1000000),
        ];
    }

    public function cart(): array
    {
        return ['userid' => $this->korean(3) . $this->word(5), 'cart' => ['items' => array_map([$this, 'item'], range(0, 31)), 'total' => $this->number(1000000) / 100, 'currency' => 'KRW', 'coupon' => null], 'csrf' => $this->word(32)];
    }

    public function large(): array
    {
        $records = [];
        for ($i = 0; $i < 3000; ++$i) {
            $records[1000 + $i * 7] = $this->item($i);
        }

        return ['records' => $records];
    }

    public function records(int $count): array
    {
        $records = [];
        for ($i = 0; $i < $count; ++$i) {
            $records[] = ['id' => $i, 'name' => 'record ' . $i, 'price' => $i / 4, 'on' => true];
        }

        return ['records' => $records];
    }

    public function stringKeys(int $count): array
    {
        $map = [];
        for ($i = 0; $i < $count; ++$i) {
            $map["key_$i"] = $i;
        }

        return ['map' => $map];
    }

    public function intKeys(int $count): array
    {
        $map = [];
        for ($i = 0; $i < $count; ++$i) {
            $map[1000 + $i * 13] = $i;
        }

        return ['map' => $map];
    }

    public function objects(): array
    {
        $list = [];
        for ($i = 0; $i < 25; ++$i) {
            $list[] = new Customer($i + $this->number(1000), $this->number(3) === 0 ? $this->korean(3) : $this->word(9), new Address($this->word(16), (string) $this->number(100000)));
        }

        return ['customers' => $list];
    }

    public function strascii(): array
    {
        return ['texts' => array_map(function () { return $this->word(60 + $this->number(400)); }, range(0, 99))];
    }

    public function korean_strings(): array
    {
        return ['texts' => array_map(function () { return $this->korean(2 + $this->number(180)); }, range(0, 99))];
    }

    public function ints(): array
    {
        $map = [];
        for ($i = 0; $i < 1000; ++$i) {
            $map[$i * 3 + $this->number(3)] = $this->number(1000000);
        }

        return ['ints' => array_map(function () { return $this->number(0x7fff) * $this->number(0x7fff); }, range(0, 999)), 'floats' => array_map(function () { return $this->number(1000000) / 1000; }, range(0, 999)), 'map' => $map];
    }

    public function refs(): array
    {
        $users = [];
        for ($i = 0; $i < 12; ++$i) {
            $user = new \stdClass;
            $user->id = $i;
            $user->name = $this->word(8);
            $user->friend = $i > 0 ? $users[$this->number($i)] : null;
            $users[] = $user;
        }
        $counter = 5;
        $shared = ['lang' => 'ko', 'zone' => 'Asia/Seoul'];
        $posts = [];
        for ($i = 0; $i < 40; ++$i) {
            $posts[] = ['id' => $i, 'title' => $this->word(16), 'author' => $users[$this->number(12)], 'counter' => &$counter, 'settings' => &$shared];
        }

        return ['users' => $users, 'posts' => $posts];
    }
}

/** @return array<mixed> the session variables of one variant */
function variables(string $profile, int $variant): array
{
    if (preg_match('/^(\w+):(\d+)$/', $profile, $m)) {
        return (new Profiles($variant))->{$m[1]}((int) $m[2]);
    }

    return (new Profiles($variant))->$profile();
}

function encode(string $format, $value): string
{
    switch ($format) {
        case 'json':
            return json_encode(plain($value), JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION);
        case 'igbinary':
            return igbinary_serialize($value);
        case 'msgpack':
            return msgpack_pack($value);
        default:
            return serialize($value);
    }
}

function decode(string $format, string $bytes)
{
    switch ($format) {
        case 'igbinary':
            return igbinary_unserialize($bytes);
        case 'msgpack':
            return msgpack_unpack($bytes);
        default:
            return unserialize($bytes);
    }
}

/** Objects as the arrays of all their properties: what JSON may be compared with. */
function plain($value)
{
    if (!is_array($value) && !is_object($value)) {
        return $value;
    }
    $plain = [];
    foreach ((array) $value as $key => $inner) {
        $plain[preg_replace('/^\0.*\0/', '', (string) $key)] = plain($inner);
    }

    return $plain;
}

/** The bytes of a session under a handler. */
function sessionBytes(string $handler, string $profile, int $variant): string
{
    startSession($handler);
    $_SESSION = variables($profile, $variant);

    return session_encode();
}

/** Nanoseconds: of the clock, or of CPU time. */
function now(string $clock): float
{
    if ($clock === 'wall') {
        return hrtime(true);
    }
    $used = getrusage();

    return ($used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec']) * 1e9 + ($used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec']) * 1e3;
}

/** Nanoseconds for one blob, over all variants in turn, for about so many milliseconds. */
function timeOf(string $what, string $format, string $profile, int $variants, float $milliseconds, string $clock): string
{
    static $made = [];
    $key = "$format $profile";
    if (!isset($made[$key])) {
        $made[$key] = [];
        for ($i = 0; $i < $variants; ++$i) {
            $bytes = encode($format, variables($profile, $i));
            $made[$key][] = [$bytes, decode($format, $bytes)];
        }
    }
    $pairs = $made[$key];
    $n = 0;
    $start = now($clock);
    $end = hrtime(true) + (int) ($milliseconds * 1e6);
    do {
        foreach ($pairs as [$bytes, $value]) {
            if ($what === 'decode') {
                if ($format === 'igbinary') {
                    igbinary_unserialize($bytes);
                } elseif ($format === 'msgpack') {
                    msgpack_unpack($bytes);
                } else {
                    unserialize($bytes);
                }
            } elseif ($format === 'igbinary') {
                igbinary_serialize($value);
            } elseif ($format === 'msgpack') {
                msgpack_pack($value);
            } else {
                serialize($value);
            }
        }
        $n += count($pairs);
    } while (hrtime(true) < $end);

    return (string) ((now($clock) - $start) / $n);
}

/** Nanoseconds for session_decode() of one session. */
function timeOfOpening(string $handler, string $profile, float $milliseconds, string $clock): string
{
    $bytes = sessionBytes($handler, $profile, 0);
    startSession($handler);
    $n = 0;
    $start = now($clock);
    $end = hrtime(true) + (int) ($milliseconds * 1e6);
    do {
        for ($i = 0; $i < 20; ++$i) {
            session_decode($bytes);
        }
        $n += 20;
    } while (hrtime(true) < $end);

    return (string) ((now($clock) - $start) / $n);
}
}
