/** Ratios (above 1 = faster than the peer): what must hold, and what is aimed at, on Node 20. */

export type Peer = 'php-serialize' | 'JSON' | 'PHP';

export interface Target {
  readonly must: Readonly<Partial<Record<Peer, number>>>;
  readonly aim: Readonly<Partial<Record<Peer, number>>>;
}

type Triple = readonly [phpSerialize: number | null, json: number | null, php: number | null];

function target(must: Triple, aim: Triple): Target {
  return { must: named(must), aim: named(aim) };
}

function named([phpSerialize, json, php]: Triple): Partial<Record<Peer, number>> {
  const ratios: Partial<Record<Peer, number>> = {};
  if (phpSerialize !== null) ratios['php-serialize'] = phpSerialize;
  if (json !== null) ratios.JSON = json;
  if (php !== null) ratios.PHP = php;
  return ratios;
}

/** By `what profile format`. */
export const targets: Readonly<Record<string, Target>> = {
  'decode tiny': target([7, 0.8, 0.3], [14, 1.4, 0.6]),
  'decode typical': target([11, 0.85, 0.33], [16, 1.2, 0.45]),
  'decode cart': target([16, 1.0, 0.45], [24, 1.7, 0.65]),
  'decode objects': target([16, 0.9, 0.55], [23, 1.1, 0.75]),
  'decode large': target([13, 1.1, 0.45], [18, 1.6, 0.65]),
  'decode ints': target([14, 0.5, 0.4], [26, 0.9, 0.75]),
  'decode korean_strings': target([4, 1.0, null], [5, 3, null]),
  'decode refs': target([null, 1.0, 0.35], [null, 1.6, 0.5]),
  'encode tiny': target([1.7, 1.0, 0.3], [3, 2, 0.6]),
  'encode typical': target([2.2, 0.9, 0.22], [3.2, 1.3, 0.4]),
  'encode cart': target([3, 0.85, 0.38], [4.2, 1.2, 0.55]),
  'encode large': target([2.3, 0.7, 0.33], [3.6, 1.0, 0.45]),
  'encode objects': target([2, 0.4, 0.3], [4, 0.9, 0.6]),
  'decode typical igbinary': target([null, 0.6, 0.18], [null, 1.0, 0.28]),
  'decode cart igbinary': target([null, 1.0, 0.25], [null, 1.7, 0.4]),
  'encode cart igbinary': target([null, null, null], [null, 0.8, null]),
};

/** JSON itself is faster on newer Nodes: there its column is expected to be so much lower. */
export const jsonFactor = Number(process.versions.node.split('.')[0]) >= 22 ? 0.75 : 1;
