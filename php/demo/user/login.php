<?php

declare(strict_types=1);

require __DIR__ . '/../answer.php';
require_post();
require __DIR__ . '/../session.php';

// The people of the source documents; whoever comes is believed, it is a demo.
$people = ['lde' => '이다은oooaa', 'kky' => '홍길동'];
$userid = $_POST['userid'] ?? 'lde';

session_regenerate_id(true);
$_SESSION['username'] = $people[$userid] ?? $userid;
$_SESSION['userid'] = $userid;

answer('user');
