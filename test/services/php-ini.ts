/** ini settings by name; `true`/`false` become `1`/`0`. */
export type PhpIni = Readonly<Record<string, string | number | boolean>>;

/**
 * The settings that every PHP of the tests starts from. They keep Debian's defaults, except that errors go to
 * the error stream, where `phpRequest` finds them, and that a page that was just rewritten is read anew.
 */
export const BASE_INI: PhpIni = {
  display_errors: false,
  log_errors: true,
  html_errors: false,
  error_reporting: 32767,
  'opcache.revalidate_freq': 0,
  'session.gc_probability': 0,
};

/** A value as ini text: quoted, because `=`, `&` and `;` of a save path mean something else bare. */
export function iniValue(value: string | number | boolean): string {
  const text = typeof value === 'boolean' ? (value ? '1' : '0') : String(value);
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
