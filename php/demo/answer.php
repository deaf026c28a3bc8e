<?php

declare(strict_types=1);

/** What a service knows about the visitor, as JSON: the same fields as the Koa service answers. */
function answer(string $service): void
{
    header('Content-Type: application/json; charset=utf-8');
    header('X-Instance: ' . instance($service));
    echo json_encode([
        'service' => $service,
        'language' => 'PHP ' . PHP_VERSION,
        'handler' => getenv('SESSION_HANDLER') ?: 'phpredis',
        'instance' => instance($service),
        'user' => isset($_SESSION['userid'])
            ? ['userid' => $_SESSION['userid'], 'username' => $_SESSION['username'] ?? null]
            : null,
        'cart' => $_SESSION['cart'] ?? [],
        'visits' => $_SESSION['visits'] ?? 0,
    ], JSON_UNESCAPED_UNICODE), "\n";
}

/** Which of several instances behind the proxy this is. */
function instance(string $service): string
{
    return getenv('INSTANCE') ?: $service . '@' . gethostname();
}

/** Changes go by POST: a link that somebody sent must not log anyone out. */
function require_post(): void
{
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        header('Allow: POST');
        http_response_code(405);
        exit;
    }
}
