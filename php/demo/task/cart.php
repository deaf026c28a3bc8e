<?php

declare(strict_types=1);

require __DIR__ . '/../answer.php';
require_post();
require __DIR__ . '/../session.php';

$_SESSION['cart'][] = ['item' => $_POST['item'] ?? 'tea', 'by' => 'PHP'];

answer('task');
