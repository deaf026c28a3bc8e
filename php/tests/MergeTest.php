<?php

declare(strict_types=1);

namespace PhpSessionBridge\Tests;

use PhpSessionBridge\Format\Formats;
use PhpSessionBridge\Format\UnreadableSession;
use PhpSessionBridge\Merge\Identity;
use PhpSessionBridge\Merge\Merge;
use PhpSessionBridge\Merge\Sharing;
use PhpSessionBridge\Merge\Verdict;

/** The table that the TypeScript merge runs as well. */
$table = json_decode(file_get_contents(__DIR__ . '/../../test/fixtures/merge-cases.json'), true, 512, JSON_THROW_ON_ERROR);

/** One byte per character. */
function bytes(?string $text): ?string
{
    return $text === null ? null : preg_replace_callback('/[\xC2\xC3]./s', static function (array $found): string {
        return chr((ord($found[0][0]) & 3) << 6 | ord($found[0][1]) & 0x3F);
    }, $text);
}

function variables(?string $text, string $handler = 'php_serialize'): ?array
{
    return $text === null ? null : Formats::of($handler)->decode(bytes($text));
}

foreach ($table['merge'] as $case) {
    test("merge: {$case['name']}", static function () use ($case): void {
        $merge = new Merge();
        $merged = $merge->merge(
            variables($case['base']) ?? [],
            variables($case['ours']),
            variables($case['theirs'])
        );
        same(bytes($case['merged']), Formats::of('php_serialize')->encode($merged));
        same($case['conflicts'], $merge->conflicts());
        $format = Formats::of('php_serialize');
        $texts = array_map('strval', [bytes($case['base']), bytes($case['ours']), bytes($case['theirs'])]);
        $sharing = max(array_map([$format, 'sharing'], $texts));
        $merged = $merge->merge(...array_merge(array_map([$format, 'decode'], $texts), [$sharing]));
        same(bytes($case['merged']), $format->encode($merged), 'by what the texts may hold');
        same($case['conflicts'], $merge->conflicts(), 'by what the texts may hold');
    });
}

foreach ($table['merge'] as $case) {
    // The same by way of each other format that can hold the case, objects alive.
    foreach (['igbinary', 'msgpack'] as $handler) {
        if (!extension_loaded($handler) || preg_match('/[CE]:[0-9]+:"|사용자/', (string) bytes($case['ours'])) === 1) {
            continue;
        }
        if ($handler === 'msgpack' && preg_match('/[Rr]:[0-9]/', implode(array_map('strval', $case['merged'] === null ? [] : [$case['ours'], $case['theirs']]))) === 1) {
            continue;
        }
        $format = Formats::of($handler);
        $live = static function (?string $text) use ($format): array {
            $values = $text === null ? [] : @unserialize(bytes($text));

            return $format->decode($format->encode($values));
        };
        if (array_filter(array_keys(unserialize(bytes($case['merged']))), 'is_int') !== []) {
            continue;
        }
        test("merge, $handler: {$case['name']}", static function () use ($case, $live): void {
            $merge = new Merge();
            $merged = $merge->merge($live($case['base']), $live($case['ours']), $live($case['theirs']));
            same(bytes($case['merged']), serialize($merged));
            same($case['conflicts'], $merge->conflicts());
        });
    }
}

foreach ($table['verdict'] as $case) {
    test("verdict: {$case['name']}", static function () use ($case): void {
        same($case['verdict'], Verdict::of(
            variables($case['base']),
            variables($case['theirs']),
            new Identity($case['identity'] ?? [])
        ));
    });
}

test('merge: an array within itself is one piece, in whichever version', static function (): void {
    $circle = static function (int $value): array {
        $map = ['n' => $value];
        $map['me'] = &$map;

        return ['m' => &$map, 'l' => [1]];
    };
    $plain = static function (string $name): array {
        return ['m' => [$name => 1], 'l' => [1]];
    };
    $format = Formats::of('php_serialize');
    foreach ([
        [$circle(1), $circle(2), $circle(3)], [$circle(1), $plain('a'), $plain('b')],
        [$plain('a'), $circle(2), $plain('b')], [$plain('a'), $plain('b'), $circle(2)],
    ] as [$base, $ours, $theirs]) {
        $merge = new Merge();
        same(
            serialize($ours),
            $format->encode($merge->merge(...array_map([$format, 'decode'], array_map('serialize', [$base, $ours, $theirs]))))
        );
        same([['path' => 'm', 'resolution' => 'ours']], $merge->conflicts());
    }
    $merge = new Merge();
    same(serialize($circle(2)), $format->encode($merge->merge(...array_map([$format, 'decode'], array_map('serialize', [
        $circle(1), $circle(2), $circle(1),
    ])))));
    same([], $merge->conflicts());
});

test('merge: floats that serialize_precision writes alike', static function (): void {
    foreach (['-1', '17', '5', '0'] as $precision) {
        $before = ini_set('serialize_precision', $precision);
        $asked = [];
        $merge = new Merge(static function (string $path) use (&$asked): ?string {
            $asked[] = $path . ' at ' . ini_get('serialize_precision');

            return null;
        });
        try {
            $merged = $merge->merge(
                ['m' => ['a' => [0.1], 'b' => [0.1], 'c' => -0.0], 'f' => 0.1],
                ['m' => ['a' => [0.1 + 1e-16], 'b' => [0.1], 'c' => 0.0], 'f' => 0.1 + 1e-16],
                ['m' => ['a' => [0.1], 'b' => [0.1 + 1e-16], 'c' => -0.0], 'f' => 0.1 - 1e-16]
            );
            same($precision, ini_get('serialize_precision'));
        } finally {
            ini_set('serialize_precision', (string) $before);
        }
        same(serialize(['m' => ['a' => [0.1 + 1e-16], 'b' => [0.1 + 1e-16], 'c' => 0.0], 'f' => 0.1 + 1e-16]), serialize($merged));
        same(["f at $precision"], $asked);
    }
});

test('merge: paths are as long as is useful', static function (): void {
    $at = static function (array $keys): string {
        $sides = [];
        foreach ([1, 2, 3] as $value) {
            foreach (array_reverse($keys) as $key) {
                $value = [$key => $value];
            }
            $sides[] = $value;
        }
        $merge = new Merge();
        $merge->merge(...$sides);

        return $merge->conflicts()[0]['path'];
    };
    same('a.b[7].c', $at(['a', 'b', 7, 'c']));
    same('7[8]', $at([7, 8]));
    same('.a.', $at(['', 'a', '']));
    same('r' . str_repeat('.n', 31), $at(array_merge(['r'], array_fill(0, 31, 'n'))));
    same('r' . str_repeat('.n', 11) . ' …(9 more)… ' . str_repeat('[5]', 12), $at(array_merge(['r'], array_fill(0, 16, 'n'), array_fill(0, 16, 5))));
    same(str_repeat('한', 128) . '.a', $at([str_repeat('한', 128), 'a']));
    same(str_repeat('한', 128) . '….' . str_repeat("\xFF", 128) . '…', $at([str_repeat('한', 129), str_repeat("\xFF", 129)]));
});

if (extension_loaded('igbinary')) {
    // The array in `a` is [7, itself], without a reference: only igbinary's decoder makes such.
    $endless = hex2bin('00000002' . '1401' . '110161' . '1402' . '06000607' . '06010101');

    test('merge: an array that holds itself without a reference is refused', static function () use ($endless): void {
        $decode = static function (int $side, bool $inObject) use ($endless): array {
            $variables = Formats::of('igbinary')->decode($endless);
            same($variables['a'][0], $variables['a'][1][1][1][0]);

            return ['a' => $inObject ? (object) ['p' => $variables['a']] : $variables['a'], 'z' => $side];
        };
        foreach ([Sharing::OBJECTS, Sharing::REFERENCES] as $sharing) {
            foreach ([false, true] as $inObject) {
                throws(UnreadableSession::class, static function () use ($decode, $inObject, $sharing): void {
                    (new Merge())->merge($decode(0, $inObject), $decode(1, $inObject), $decode(2, $inObject), $sharing);
                });
            }
        }
        foreach ([false, true] as $inObject) {
            throws(UnreadableSession::class, static function () use ($decode, $inObject): void {
                (new Identity(['a']))->isSame($decode(0, $inObject), $decode(1, $inObject));
            });
        }
    });
}

test('merge: 4,096 arrays in each other, and no more', static function (): void {
    $nested = static function (int $side, int $depth, bool $inObject): array {
        $value = $side;
        for ($level = 0; $level < $depth; $level++) {
            $value = [$value];
        }

        return ['a' => $inObject ? (object) ['p' => $value] : $value];
    };
    foreach ([false, true] as $inObject) {
        $merge = static function (int $depth) use ($nested, $inObject): array {
            return (new Merge())->merge(
                $nested(0, $depth, $inObject),
                $nested(1, $depth, $inObject),
                $nested(0, $depth, $inObject)
            );
        };
        $value = $merge(4096)['a'];
        $value = $inObject ? $value->p : $value;
        while (is_array($value)) {
            $value = $value[0];
        }
        same(1, $value);
        throws(UnreadableSession::class, static function () use ($merge): void {
            $merge(4097);
        });
    }
});
