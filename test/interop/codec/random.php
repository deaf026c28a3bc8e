<?php
// Random PHP values from a seed: scalars of every edge, nested arrays in any key order, objects of every visibility, references, enums.

final class RandomValues
{
    private $cells = [];
    private $objects = [];
    private $arrays = [];
    private $budget;
    private $sharing;

    public function __construct(int $seed, bool $sharing = true, int $budget = 40)
    {
        mt_srand($seed);
        $this->sharing = $sharing;
        $this->budget = $budget;
    }

    private function one(array $of)
    {
        return $of[mt_rand(0, count($of) - 1)];
    }

    public function int(): int
    {
        switch (mt_rand(0, 5)) {
            case 0: return mt_rand(0, 10);
            case 1: return mt_rand(-300, 300);
            case 2: return $this->one([127, 128, 255, 256, 32767, 32768, 65535, 65536, 2147483647, 2147483648, 4294967295, 4294967296]) * $this->one([1, -1]);
            case 3: return $this->one([PHP_INT_MAX, PHP_INT_MIN, PHP_INT_MAX - 1, 9007199254740991, 9007199254740992, 9007199254740993, -9007199254740993]);
            case 4: return mt_rand(0, 0x7fffffff) << mt_rand(0, 32);
            default: return mt_rand(-100000, 100000);
        }
    }

    public function float(): float
    {
        switch (mt_rand(0, 6)) {
            case 0: return (float) mt_rand(-20, 20);
            case 1: return mt_rand(-100000, 100000) / 100;
            case 2: return $this->one([0.0, -0.0, INF, -INF, NAN, 0.1, 0.2, 1e15, 1e16, 1e17, 1e-4, 1e-5, 1e21, 1e22, PHP_FLOAT_MIN, PHP_FLOAT_MAX, PHP_FLOAT_EPSILON, 4.9e-324]);
            case 3: return unpack('d', pack('V2', mt_rand(0, 0x7fffffff), mt_rand(0, 0x7fefffff)))[1] * $this->one([1, -1]);
            case 4: return mt_rand() / mt_getrandmax();
            case 5: return mt_rand(1, 9999) * (10.0 ** mt_rand(-20, 25));
            default: return (float) mt_rand(0, 0x7fffffff) * mt_rand(0, 0x7fffffff);
        }
    }

    public function string(): string
    {
        switch (mt_rand(0, 9)) {
            case 0: return '';
            case 1: return substr('abcdefghijklmnopqrstuvwxyz', 0, mt_rand(1, 26));
            case 2: return implode('', array_map(function () { return $this->one(['이', '다', '은', '가', 'ㄱ', 'é', '😀', 'a', ' ', "\u{ffff}", "\u{80}", "\u{7ff}", "\u{800}"]); }, range(0, mt_rand(0, 20))));
            case 3: return implode('', array_map(function () { return chr(mt_rand(0, 255)); }, range(0, mt_rand(0, 12))));
            case 4: return (string) $this->int();
            case 5: return $this->one(["\xed\xa0\x80", "\xc0\x80", "\xff", "\xf4\x90\x80\x80", "a\xe3\x81", "\xed\xb2\x80", 'N;', 'i:1;', '";}', 'a|b', "\0", '__proto__', 'constructor', 'stdClass', 'Point', 'R:1;', "\u{feff}x"]);
            case 6: return str_repeat($this->one(['x', '은', "\xff"]), mt_rand(0, 140));
            default: return $this->one(['id', 'name', 'price', 'qty', 'user', '이름', 'a', 'b', 'c', 'x', 'y']) . ($this->one(['', '', '', '1', '_2']));
        }
    }

    private function key()
    {
        switch (mt_rand(0, 5)) {
            case 0: return mt_rand(0, 12);
            case 1: return $this->int();
            default: return $this->string();
        }
    }

    /** The value, perhaps as a cell that others share: hence by reference. */
    private function &place(int $depth)
    {
        if ($this->sharing && $this->cells !== [] && mt_rand(0, 7) === 0) {
            return $this->cells[mt_rand(0, count($this->cells) - 1)];
        }
        $value = $this->value($depth);
        if ($this->sharing && mt_rand(0, 9) === 0) {
            $this->cells[] = &$value;
        }

        return $value;
    }

    private function leaf()
    {
        switch (mt_rand(0, 9)) {
            case 0: return null;
            case 1: return mt_rand(0, 1) === 1;
            case 2: case 3: case 4: return $this->int();
            case 5: case 6: return $this->float();
            default: return $this->string();
        }
    }

    public function value(int $depth = 0)
    {
        --$this->budget;
        if ($depth > 5 || $this->budget < 0) {
            return $this->leaf();
        }
        if ($this->sharing && $this->objects !== [] && mt_rand(0, 9) === 0) {
            return $this->one($this->objects);
        }
        if ($this->sharing && $this->arrays !== [] && mt_rand(0, 14) === 0) {
            return $this->one($this->arrays);
        }
        switch (mt_rand(0, 11)) {
            case 0: case 1: return $this->listOf($depth);
            case 2: case 3: case 4: return $this->map($depth);
            case 5: return $this->object($depth);
            default: return $this->leaf();
        }
    }

    private function listOf(int $depth): array
    {
        $list = [];
        $kind = mt_rand(0, 4);
        for ($n = mt_rand(0, 6); $n > 0; --$n) {
            if ($kind === 0) {
                $list[] = $this->float();
            } elseif ($kind === 1) {
                $list[] = $this->int();
            } elseif ($kind === 2) {
                $list[] = mt_rand(0, 1) ? (float) mt_rand(0, 9) : mt_rand(0, 9);
            } else {
                $list[] = &$this->place($depth + 1);
            }
        }
        if (mt_rand(0, 2) === 0) {
            $this->arrays[] = $list;
        }

        return $list;
    }

    private function map(int $depth): array
    {
        $map = [];
        for ($n = mt_rand(0, 7); $n > 0; --$n) {
            $key = $this->key();
            unset($map[$key]);
            $map[$key] = &$this->place($depth + 1);
        }
        if ($map !== [] && mt_rand(0, 9) === 0) {
            unset($map[array_key_first($map)]);
        }
        if (mt_rand(0, 2) === 0) {
            $this->arrays[] = $map;
        }

        return $map;
    }

    private function object(int $depth)
    {
        switch (mt_rand(0, 15)) {
            case 0: $object = new Vis; break;
            case 1: $object = new VisChild; break;
            case 2: $object = new VisGrand; break;
            case 3: $object = new App\User; break;
            case 4: $object = (new App\Cart)->add($this->leaf(), $this->float()); break;
            case 5: $object = new Magic([]); $this->remember($object); $object->data = $this->map($depth + 1); break;
            case 6: $object = new Sleepy; break;
            case 7: $object = PHP_VERSION_ID >= 80100 && mt_rand(0, 1) ? $this->one([Suit::Hearts, Suit::Spades, Status::Active, App\Role::Admin]) : new 사용자; break;
            case 8: $object = new LegacyRaw($this->string()); break;
            case 9: $object = new RefHolder; break;
            case 10: $object = unserialize('O:7:"Unknown":1:{s:4:"' . "\0*\0" . 'a";i:1;}'); break;
            case 11: $object = (new PrivateOnly)->with($this->leaf(), $this->float()); break;
            case 12: $object = mt_rand(0, 1) ? new ArrayObject([1.0, 'a']) : new Shaded; break;
            case 13:
                $object = new stdClass;
                $this->remember($object);
                for ($n = mt_rand(0, 4); $n > 0; --$n) {
                    $name = (string) $this->key();
                    if ($name === '' || $name[0] !== "\0") {
                        $object->$name = &$this->place($depth + 1);
                    }
                }
                break;
            default:
                $object = new Node;
                $this->remember($object);
                $object->value = &$this->place($depth + 1);
                $object->next = $this->value($depth + 1);
        }
        $this->remember($object);
        if ($object instanceof Vis || $object instanceof PrivateOnly || $object instanceof Shade) {
            $this->refer($object, $depth);
        }

        return $object;
    }

    /** Gives properties of any visibility new values, by reference if others share them. */
    private function refer($object, int $depth): void
    {
        for ($class = new ReflectionClass($object); $class; $class = $class->getParentClass()) {
            $set = Closure::bind(function (string $name, &$value): void {
                $this->$name = &$value;
            }, $object, $class->getName());
            foreach ($class->getProperties() as $property) {
                if (mt_rand(0, 2) === 0 && $property->getDeclaringClass()->getName() === $class->getName()) {
                    $set($property->getName(), $this->place($depth + 1));
                }
            }
        }
    }

    private function remember($object): void
    {
        if (mt_rand(0, 1) === 0) {
            $this->objects[] = $object;
        }
    }

    /** Fills $_SESSION with what the handler can hold. */
    public function session(string $handler): void
    {
        for ($n = mt_rand(0, 6); $n > 0; --$n) {
            $name = $this->string();
            if ($handler === 'php_serialize') {
                $name = $this->key();
            } elseif ((string) (int) $name === $name || strpos($name, '|') !== false || strlen($name) > 127) {
                $name = "v$n";
            }
            unset($_SESSION[$name]);
            $_SESSION[$name] = &$this->place(0);
        }
    }
}
