<?php

declare(strict_types=1);

require __DIR__ . '/../answer.php';
require_post();
require __DIR__ . '/../session.php';

$_SESSION = [];
session_destroy();
$cookie = session_get_cookie_params();
unset($cookie['lifetime']);
setcookie(session_name(), '', ['expires' => 1] + $cookie);

answer('user');
