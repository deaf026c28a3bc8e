<?php

/*
 * In the place of the source documents' handler, which dies on PHP 8 at logout: their pages
 * include this file, call session_start() themselves and are unchanged.
 */

declare(strict_types=1);

require_once __DIR__ . '/../save-handler.php';
