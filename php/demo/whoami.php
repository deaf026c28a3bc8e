<?php

declare(strict_types=1);

require __DIR__ . '/answer.php';
require __DIR__ . '/save-handler.php';

/** Who is logged in, for the page that shows all services side by side: it only looks. */
function whoami(string $service): void
{
    // Without a cookie, session_start() would begin a session for everybody who looks. Without
    // strict mode an unknown id gets no new cookie, which might overtake that of a login.
    if (isset($_COOKIE[session_name()])) {
        session_start(['read_and_close' => true, 'use_strict_mode' => false]);
    }
    answer($service);
}
