<?php

declare(strict_types=1);

require __DIR__ . '/../answer.php';
require_post();
require __DIR__ . '/../session.php';

// A counter shows a lost write at once: its old value depends on every request before it.
$_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;

answer('task');
