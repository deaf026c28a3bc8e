<?php

declare(strict_types=1);

namespace PhpSessionBridge\Format;

/** Walks over msgpack without decoding it: PHP's decoder takes garbage for an empty session. */
final class MsgpackStructure
{
    /** By first byte: how many bytes a value of fixed size takes after it. */
    private const FIXED = [
        0xC0 => 0, 0xC2 => 0, 0xC3 => 0, 0xCA => 4, 0xCB => 8, 0xCC => 1, 0xCD => 2, 0xCE => 4, 0xCF => 8,
        0xD0 => 1, 0xD1 => 2, 0xD2 => 4, 0xD3 => 8, 0xD4 => 2, 0xD5 => 3, 0xD6 => 5, 0xD7 => 9, 0xD8 => 17,
    ];

    /** By first byte: the width of the length, and what comes besides as many bytes. */
    private const SIZED = [
        0xC4 => [1, 0], 0xC5 => [2, 0], 0xC6 => [4, 0], 0xC7 => [1, 1], 0xC8 => [2, 1], 0xC9 => [4, 1],
        0xD9 => [1, 0], 0xDA => [2, 0], 0xDB => [4, 0],
    ];

    /** Whether the bytes are one whole map, or the empty array that an empty session is. */
    public static function isSession(string $bytes): bool
    {
        $first = ord($bytes[0] ?? "\0");
        $isMap = ($first & 0xF0) === 0x80 || $first === 0xDE || $first === 0xDF;
        if (!$isMap) {
            return $bytes === "\x90";
        }
        $length = strlen($bytes);
        $at = 0;
        for ($pending = 1; $pending > 0; $pending--) {
            if ($at >= $length) {
                return false;
            }
            $byte = ord($bytes[$at++]);
            if (($byte & 0xE0) === 0xA0) {
                $at += $byte & 0x1F;
            } elseif (($byte & 0xF0) === 0x80) {
                $pending += 2 * ($byte & 0x0F);
            } elseif (($byte & 0xF0) === 0x90) {
                $pending += $byte & 0x0F;
            } elseif (isset(self::SIZED[$byte])) {
                [$width, $besides] = self::SIZED[$byte];
                $size = self::number($bytes, $at, $width);
                $at += $width + $besides + $size;
            } elseif ($byte >= 0xDC && $byte <= 0xDF) {
                $width = ($byte & 1) === 0 ? 2 : 4;
                $pending += ($byte >= 0xDE ? 2 : 1) * self::number($bytes, $at, $width);
                $at += $width;
            } elseif (isset(self::FIXED[$byte])) {
                $at += self::FIXED[$byte];
            } elseif ($byte >= 0x80 && $byte < 0xE0) {
                return false;
            }
            if ($pending > $length) {
                return false;
            }
        }

        // What follows is ignored, as PHP ignores it.
        return $at <= $length;
    }

    private static function number(string $bytes, int $at, int $width): int
    {
        return (int) hexdec(bin2hex(substr($bytes, $at, $width)));
    }
}
