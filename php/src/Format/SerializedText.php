<?php

declare(strict_types=1);

namespace PhpSessionBridge\Format;

/** A place in a text of serialize(): the parts that values are made of, and where they are wrong. */
final class SerializedText
{
    private string $bytes;
    private int $at = 0;

    public function __construct(string $bytes)
    {
        $this->bytes = $bytes;
    }

    public function position(): int
    {
        return $this->at;
    }

    public function moveTo(int $position): void
    {
        $this->at = $position;
    }

    public function length(): int
    {
        return strlen($this->bytes);
    }

    /** The letter of the value that stands here. */
    public function letter(): string
    {
        return $this->bytes[$this->at] ?? '';
    }

    /** All from here on. */
    public function rest(): string
    {
        return $this->at === 0 ? $this->bytes : substr($this->bytes, $this->at);
    }

    /** Bytes of whatever kind; the length was checked by readCount(). */
    public function take(int $length): string
    {
        $bytes = substr($this->bytes, $this->at, $length);
        $this->at += $length;

        return $bytes;
    }

    public function readInt(): int
    {
        return (int) $this->match('/\Gi:([+-]?[0-9]+);/');
    }

    public function readFloat(): float
    {
        $text = $this->match('/\Gd:(NAN|-?INF|[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?);/');
        switch ($text) {
            case 'NAN':
                return NAN;
            case 'INF':
                return INF;
            case '-INF':
                return -INF;
            default:
                return (float) $text;
        }
    }

    /** @return int|string */
    public function readKey()
    {
        switch ($this->bytes[$this->at] ?? '') {
            case 'i':
                return $this->readInt();
            case 's':
            case 'S':
                $key = $this->readString();
                $this->expect(';');

                return $key;
            default:
                throw $this->unreadable($this->at, 'no key');
        }
    }

    /** `O:8:"stdClass"`: the name that follows a type letter. */
    public function readClass(): string
    {
        $start = $this->at;
        $name = $this->readString();
        if (!self::isClass($name)) {
            throw $this->unreadable($start, 'no class name');
        }

        return $name;
    }

    /** As unserialize() checks it before it looks for the class. */
    public static function isClass(string $name): bool
    {
        return preg_match('/^[0-9A-Za-z_\x7F-\xFF][0-9A-Za-z_\x7F-\xFF\\\\]*$/D', $name) === 1;
    }

    /** From the type letter to the closing quote. */
    public function readString(): string
    {
        $start = $this->at;
        $escaped = $this->bytes[$start] === 'S';
        $length = $this->readCount('/\G[sSOCE]:([0-9]+):"/');
        $text = $escaped ? $this->readEscaped($length) : substr($this->bytes, $this->at, $length);
        if (!$escaped) {
            $this->at += $length;
        }
        if (strlen($text) !== $length) {
            throw $this->unreadable($start, 'a string that ends early');
        }
        $this->expect('"');

        return $text;
    }

    /** `S:` is never written by PHP but read by it: `\xx` stands for any byte. */
    private function readEscaped(int $length): string
    {
        $text = '';
        while (strlen($text) < $length) {
            $byte = $this->bytes[$this->at] ?? '';
            if ($byte === '\\') {
                $text .= chr((int) hexdec($this->match('/\G\\\\([0-9a-fA-F]{2})/')));
            } elseif ($byte !== '') {
                $text .= $byte;
                $this->at++;
            } else {
                break;
            }
        }

        return $text;
    }

    /** Length, count or number; refused at once if it can not fit into the bytes that are left. */
    public function readCount(string $pattern): int
    {
        $start = $this->at;
        $digits = ltrim($this->match($pattern), '0');
        if (strlen($digits) > 18 || (int) $digits > strlen($this->bytes) - $this->at) {
            throw $this->unreadable($start, 'a length beyond the end');
        }

        return (int) $digits;
    }

    public function match(string $pattern): string
    {
        if (preg_match($pattern, $this->bytes, $found, 0, $this->at) !== 1) {
            throw $this->unreadable($this->at, 'something that serialize() does not write');
        }
        $this->at += strlen($found[0]);

        return $found[1];
    }

    public function expect(string $text): void
    {
        if (substr_compare($this->bytes, $text, $this->at, strlen($text)) !== 0) {
            throw $this->unreadable($this->at, 'a value that does not end where it should');
        }
        $this->at += strlen($text);
    }

    public function unreadable(int $position, string $what): UnreadableSession
    {
        return new UnreadableSession("The stored session holds $what at byte $position");
    }
}
