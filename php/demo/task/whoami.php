<?php

declare(strict_types=1);

require __DIR__ . '/../whoami.php';

whoami('task');
