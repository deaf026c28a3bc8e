/** The three ways to keep a session, in words. */
export const MODES = [
  {
    mode: 'naive',
    title: 'Naive store',
    words:
      'Node reads, changes and writes the whole session, as ordinary stores do; PHP takes no lock. The last write wins.',
  },
  {
    mode: 'phpredis',
    title: 'Bridge beside phpredis locking',
    words: 'PHP locks the session with phpredis. Node takes no lock, respects PHP’s, and merges.',
  },
  {
    mode: 'merging',
    title: 'Bridge beside the PHP class, no locks',
    words: 'Nobody waits for anybody: both sides write only what they changed, and merge.',
  },
];

export function titleOf(mode) {
  return MODES.find((one) => one.mode === mode)?.title ?? mode;
}

/** One sentence about what came out, and whether it is good news. */
export function verdictOf({ mode, php, node, expected }) {
  const all = expected * 2;
  const lost = php.lost.length + node.lost.length;
  if (lost === 0)
    return { tone: 'good', text: `All ${all} variables are there. Nothing was lost.` };
  const kept = `${all - lost} of ${all} variables are left`;
  if (mode === 'naive') {
    return { tone: 'bad', text: `${kept}: ${lost} writes were overwritten by a later one.` };
  }
  if (node.lost.length === 0) {
    return { tone: 'warn', text: `${kept}. Node lost nothing; PHP alone lost ${lost} of its own.` };
  }
  return { tone: 'bad', text: `${kept}.` };
}

/** What the reader should know about these numbers. */
export function notesOf({ mode, php, node }) {
  const notes = [];
  const { retries, waitTime, version } = php.patience ?? {};
  if (mode === 'phpredis' && php.refused > 0) {
    const patience = Math.round((retries * waitTime) / 1000);
    notes.push({
      tone: 'warn',
      text:
        `${many(php.refused, 'PHP request')} never got phpredis’s own lock: phpredis ${version} waits ${patience} ms ` +
        `(lock_retries ${retries} × lock_wait_time ${waitTime} µs), then opens the session and drops what ` +
        'the script stores, with a warning in PHP’s log. This happens among PHP requests alone, with no ' +
        'Node in sight. Raise redis.session.lock_retries and lock_wait_time, as phpredis 6 did: tick “Patient PHP locks” and see.',
    });
  }
  const silent = php.lost.length - php.refused;
  if (mode === 'naive' && php.lost.length > 0) {
    notes.push({
      tone: 'warn',
      text:
        'PHP does this to itself, too: without a lock two PHP requests that run at the same time ' +
        'overwrite each other, whatever Node does.',
    });
  } else if (mode !== 'naive' && silent > 0) {
    notes.push({
      tone: 'warn',
      text: `${many(silent, 'PHP write')} went missing although PHP reported no failure.`,
    });
  }
  if (node.merged > 0) {
    notes.push({
      tone: 'plain',
      text: `${many(node.merged, 'Node request')} found that somebody else had written meanwhile, and merged.`,
    });
  }
  if (node.refused + php.broken > 0) {
    const first = node.reasons[0] ?? php.reasons[0] ?? '';
    notes.push({
      tone: 'warn',
      text: `${many(node.refused + php.broken, 'request')} failed with an error: ${first}`,
    });
  }
  return notes;
}

function many(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
