<?php

declare(strict_types=1);

namespace PhpSessionBridge\Format;

use PhpSessionBridge\Merge\Sharing;

/** The serialize handlers that are made of serialize()'s text: php, php_binary, php_serialize. */
final class TextFormat implements SessionFormat
{
    private string $handler;

    /** @param string $handler `php`, `php_binary` or `php_serialize` */
    public function __construct(string $handler)
    {
        $this->handler = $handler;
    }

    public function check(string $bytes): void
    {
        if ($bytes === '') {
            return;
        }
        // A number or an object would become $_SESSION itself.
        if ($this->handler === 'php_serialize' && strncmp($bytes, 'a:', 2) !== 0) {
            throw new UnreadableSession('The stored session is not an array of variables');
        }
        // PHP 7.4 starts an empty session where it finds no variable; PHP 8.2 refuses.
        if (PHP_VERSION_ID < 80200) {
            $this->decode($bytes);
        }
    }

    public function isPlain(string $bytes): bool
    {
        return SerializedReader::isPlain($bytes);
    }

    public function sharing(string $bytes): int
    {
        // A string may look so; then there is a little more work, and no harm.
        if (preg_match('/R:[0-9]/', $bytes) === 1) {
            return Sharing::REFERENCES;
        }

        return preg_match('/r:[0-9]/', $bytes) === 1 ? Sharing::OBJECTS : Sharing::NONE;
    }

    public function decode(string $bytes): array
    {
        if ($bytes === '') {
            return [];
        }
        $reader = new SerializedReader($bytes);
        if ($this->handler === 'php_serialize') {
            return $this->decodeRoot($reader);
        }
        $variables = [];
        while ($reader->position() < strlen($bytes)) {
            $reader->readInto($variables, $this->readName($bytes, $reader));
        }

        return $variables;
    }

    public function encode(array $variables, bool $plain = false): string
    {
        $writer = new SerializedWriter($plain);
        $text = '';
        if ($this->handler === 'php_serialize') {
            $writer->countRoot();
            foreach ($variables as $name => $unused) {
                $text .= (is_int($name) ? "i:$name;" : SerializedWriter::text($name))
                    . $writer->write($variables, $name);
            }

            return 'a:' . count($variables) . ':{' . $text . '}';
        }
        foreach ($variables as $name => $unused) {
            $text .= $this->name((string) $name) . $writer->write($variables, $name);
        }

        return $text;
    }

    public function decodeLive(string $bytes): array
    {
        $text = (new self('php_serialize'))->encode($this->decode($bytes));
        $variables = Quietly::call(static function () use ($text) {
            return unserialize($text);
        });
        if (!is_array($variables)) {
            throw new UnreadableSession('The stored session holds something that its classes refuse');
        }

        return $variables;
    }

    public function encodeLive(array $variables): string
    {
        $text = serialize($variables);

        return SerializedReader::isPlain($text)
            ? $this->encode($variables, true)
            : $this->encode((new self('php_serialize'))->decode($text));
    }

    private function decodeRoot(SerializedReader $reader): array
    {
        $variables = $reader->readRoot();
        if (!is_array($variables)) {
            throw new UnreadableSession('The stored session is not an array of variables');
        }

        return $variables;
    }

    private function readName(string $bytes, SerializedReader $reader): string
    {
        $start = $reader->position();
        if ($this->handler === 'php_binary') {
            // The highest bit marked an undefined variable before PHP 7.1; PHP still masks it off.
            $length = ord($bytes[$start]) & 0x7F;
            $start++;
            $end = $start + $length;
            $next = $end;
        } else {
            $end = strpos($bytes, '|', $start);
            if ($end === false) {
                throw new UnreadableSession("The stored session holds no variable at byte $start");
            }
            $next = $end + 1;
        }
        if ($next > strlen($bytes)) {
            throw new UnreadableSession("The stored session ends within a name at byte $start");
        }
        $reader->moveTo($next);

        return substr($bytes, $start, $end - $start);
    }

    private function name(string $name): string
    {
        if ($this->handler === 'php_binary') {
            if (strlen($name) > 127) {
                throw new UnwritableSession('The handler php_binary holds no name of more than 127 bytes');
            }

            return chr(strlen($name)) . $name;
        }
        if (strpos($name, '|') !== false) {
            throw new UnwritableSession('The handler php holds no name with a "|"');
        }

        return $name . '|';
    }
}
