<?php

declare(strict_types=1);

namespace PhpSessionBridge\Merge;

use ReflectionReference;

/**
 * Which keys of a map hang together because a PHP reference or one object stands in several of
 * them, be it deep inside. Their values change together, so they are merged together.
 */
final class TiedKeys
{
    /** @var array<string, int|string> the first key that was seen to hold an identity */
    private array $holders = [];

    /** @var array<int|string, int|string> a forest: key to another key of the same group */
    private array $parents = [];

    /** @var array<string, true> identities met within the current key */
    private array $met = [];

    /**
     * @param array<int|string, mixed> ...$versions
     * @return array<int|string, int|string> for every key of any version the key that names its group
     */
    public static function representatives(array ...$versions): array
    {
        $self = new self();
        foreach ($versions as $version) {
            // Identities of one version mean nothing in another one.
            $self->holders = [];
            foreach ($version as $key => $unused) {
                $self->parents += [$key => $key];
                $self->met = [];
                $self->visit($version, $key);
                foreach ($self->met as $identity => $unused2) {
                    $self->holders += [$identity => $key];
                    $self->join($self->holders[$identity], $key);
                }
            }
        }
        $names = [];
        foreach ($self->parents as $key => $unused) {
            $names[$key] = $self->root($key);
        }

        return $names;
    }

    /**
     * Whether what stands under the key refers back to its own slot: then it can not be taken apart.
     *
     * @param int|string $key
     */
    public static function isCircular(array $container, $key): bool
    {
        $reference = ReflectionReference::fromArrayElement($container, $key);
        if ($reference === null || !is_array($container[$key])) {
            return false;
        }
        $self = new self();
        foreach ($container[$key] as $name => $unused) {
            $self->visit($container[$key], $name);
        }

        return isset($self->met['reference ' . $reference->getId()]);
    }

    /** @param int|string $key */
    private function visit(array $container, $key): void
    {
        $reference = ReflectionReference::fromArrayElement($container, $key);
        if ($reference !== null && !$this->meet('reference ' . $reference->getId())) {
            return;
        }
        $value = $container[$key];
        if (is_object($value)) {
            if (Sharing::isEnum($value) || !$this->meet('object ' . spl_object_id($value))) {
                return;
            }
            $value = (array) $value;
        }
        if (is_array($value)) {
            foreach ($value as $name => $unused) {
                $this->visit($value, $name);
            }
        }
    }

    /** false if it was met before: its content has been visited then. */
    private function meet(string $identity): bool
    {
        if (isset($this->met[$identity])) {
            return false;
        }

        return $this->met[$identity] = true;
    }

    /**
     * @param int|string $one
     * @param int|string $other
     */
    private function join($one, $other): void
    {
        $this->parents[$this->root($other)] = $this->root($one);
    }

    /**
     * @param int|string $key
     * @return int|string
     */
    private function root($key)
    {
        while ($this->parents[$key] !== $key) {
            $key = $this->parents[$key];
        }

        return $key;
    }
}
