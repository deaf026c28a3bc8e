<?php

declare(strict_types=1);

require __DIR__ . '/../answer.php';
require __DIR__ . '/../session.php';

answer('task');
