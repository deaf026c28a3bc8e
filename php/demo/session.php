<?php

declare(strict_types=1);

require __DIR__ . '/save-handler.php';

session_start();
