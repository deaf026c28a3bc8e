<?php

declare(strict_types=1);

namespace PhpSessionBridge\Format;

use PhpSessionBridge\Merge\Sharing;

/**
 * The serialize handlers igbinary and msgpack, by their own extensions. These decode into live
 * objects: there is no way to have them read without waking the classes up.
 */
final class BinaryFormat implements SessionFormat
{
    private string $handler;

    /** @param string $handler `igbinary` or `msgpack` */
    public function __construct(string $handler)
    {
        $this->handler = $handler;
    }

    public function check(string $bytes): void
    {
        // The msgpack decoder reports success for any garbage, and then has no variables.
        if ($this->handler === 'msgpack' && $bytes !== '' && !MsgpackStructure::isSession($bytes)) {
            throw new UnreadableSession('The stored session is no msgpack map of variables');
        }
    }

    public function isPlain(string $bytes): bool
    {
        return false;
    }

    public function sharing(string $bytes): int
    {
        if ($this->handler === 'igbinary') {
            // igbinary_type_ref; as a length or within a string it means nothing, and does no harm.
            return strpos($bytes, "\x25") === false ? Sharing::OBJECTS : Sharing::REFERENCES;
        }
        // A reference is a map that begins with the key nil, as the map of the variables itself.
        $heads = ["\xDE" => 3, "\xDF" => 5];

        // PHP 7.4 answers false behind the end.
        $body = (string) substr($bytes, 2 + ($heads[$bytes[0] ?? ''] ?? 1));

        return preg_match('/\xC0[\x01-\x05]/', $body) === 1
            ? Sharing::REFERENCES
            : Sharing::OBJECTS;
    }

    public function decode(string $bytes): array
    {
        if ($bytes === '') {
            return [];
        }
        $this->check($bytes);
        $decoder = $this->handler . '_unserialize';
        $variables = Quietly::call(static function () use ($decoder, $bytes) {
            return $decoder($bytes);
        });
        if (!is_array($variables)) {
            throw new UnreadableSession("The stored session is not readable as {$this->handler}");
        }

        // PHP's own session decoders drop variables whose name is an integer.
        return array_filter($variables, 'is_string', ARRAY_FILTER_USE_KEY);
    }

    public function encode(array $variables, bool $plain = false): string
    {
        if ($this->handler === 'igbinary') {
            return igbinary_serialize($variables);
        }

        return $variables === [] ? "\x90" : self::markRoot(msgpack_serialize($variables), count($variables));
    }

    public function decodeLive(string $bytes): array
    {
        return $this->decode($bytes);
    }

    public function encodeLive(array $variables): string
    {
        return $this->encode($variables);
    }

    /**
     * The session encoder of msgpack takes $_SESSION for a reference and puts the pair nil => 1
     * before the variables; msgpack_serialize() of an array does not.
     */
    private static function markRoot(string $bytes, int $count): string
    {
        $head = $count < 16 ? 1 : ($count < 0x10000 ? 3 : 5);
        $count++;
        if ($count < 16) {
            $map = chr(0x80 | $count);
        } else {
            $map = $count < 0x10000 ? "\xDE" . pack('n', $count) : "\xDF" . pack('N', $count);
        }

        return $map . "\xC0\x01" . substr($bytes, $head);
    }
}
