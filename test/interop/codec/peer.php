<?php
// A PHP process that answers for as long as its input is open. A frame is a 32-bit length and a body; a body is a list of
// length-prefixed strings: in a request the operation and its items, in an answer one `+bytes` or `-reason` for each item.

require dirname(__DIR__, 2) . '/fixtures/reading.php';
require __DIR__ . '/random.php';

function answerTo(string $operation, string $argument, string $item): string
{
    global $notices;
    $notices = [];
    $isSession = in_array($argument, ['php', 'php_binary', 'php_serialize', 'igbinary', 'msgpack'], true);
    $format = str_replace('-value', '', $argument);
    try {
        switch ($operation) {
            case 'again':
                $answer = $isSession ? readSession($argument, $item) : readValue($format, $item);

                return isset($answer['refused']) ? "-{$answer['refused']}" : "+{$answer['again']}";
            case 'json':
                return '+' . json_encode(unserialize($item), JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
            case 'random':
                [$seed, $sharing] = explode(' ', $item);
                $random = new RandomValues((int) $seed, $sharing === '1');
                if (!$isSession) {
                    $value = $random->value();

                    return '+' . encodeValue($format, $value);
                }
                startSession($argument);
                $random->session($argument);

                return '+' . session_encode();
            case 'edit':
                [$code, $bytes] = explode("\0\1\2", $item, 2);
                startSession($argument);
                if (!session_decode($bytes)) {
                    return '-decode';
                }
                eval($code);
                if ($argument === 'msgpack') {
                    dropLoneReferences();
                }

                return '+' . session_encode();
            case 'run':
                return '+' . eval($item);
        }

        return '-unknown operation';
    } catch (\Throwable $e) {
        return '-' . get_class($e) . ': ' . $e->getMessage();
    }
}

function receive(int $length): string
{
    $bytes = '';
    while (strlen($bytes) < $length) {
        $part = fread(STDIN, $length - strlen($bytes));
        if ($part === false || $part === '') {
            exit(0);
        }
        $bytes .= $part;
    }

    return $bytes;
}

stream_set_read_buffer(STDIN, 0);
while (true) {
    $body = receive(unpack('N', receive(4))[1]);
    $strings = [];
    for ($at = 0; $at < strlen($body); $at += 4 + $length) {
        $length = unpack('N', $body, $at)[1];
        $strings[] = substr($body, $at + 4, $length);
    }
    [$operation, $argument] = explode(' ', array_shift($strings) . ' ');
    $answer = '';
    foreach ($strings as $item) {
        $said = answerTo($operation, $argument, $item);
        $answer .= pack('N', strlen($said)) . $said;
    }
    $frame = pack('N', strlen($answer)) . $answer;
    while ($frame !== '') {
        $frame = (string) substr($frame, fwrite(STDOUT, $frame));
    }
}
