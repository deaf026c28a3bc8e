import { PhpEnum, PhpFloat, PhpObject, PhpSerializedObject } from 'php-session-bridge/codec';

/**
 * Session variables as JSON that loses nothing a reader wants to see: what JSON lacks becomes an
 * object with `$php`.
 */
export function presentable(value: unknown): unknown {
  if (typeof value === 'bigint') return { $php: 'bigint', value: String(value) };
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return { $php: 'bigint', value: String(value) };
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Buffer.isBuffer(value)) return { $php: 'bytes', hex: value.toString('hex') };
  if (value instanceof PhpFloat) return value.value;
  if (value instanceof PhpEnum) {
    return { $php: 'object', class: `${value.className}::${value.caseName}`, properties: {} };
  }
  if (value instanceof PhpSerializedObject) {
    return { $php: 'object', class: value.className, properties: {} };
  }
  if (Array.isArray(value)) return value.map(presentable);
  const properties = Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, presentable(one)]),
  );
  if (value instanceof PhpObject) {
    return { $php: 'object', class: PhpObject.className(value), properties };
  }
  return properties;
}
