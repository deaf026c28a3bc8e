<?php
    include_once ("./redis_session.php");
    session_start();

    $_SESSION['username'] = "이다은oooaa";
    $_SESSION['userid'] = "lde";

    echo "사용자 이름 : {$_SESSION['username']}<br>";
    echo "사용자 아이디 : {$_SESSION['userid']}<br>";
?>
