/**
 * Which server of a pool holds a session: phpredis's own arithmetic, to the byte.
 */

/**
 * phpredis: the first four bytes of the bare id (without prefix; missing bytes are 0) as a little-
 * endian number, modulo the sum of the weights; then the servers are walked in reverse order of the
 * save path, because phpredis puts each new one in front of its list. There is no fail-over.
 *
 * @param members in the order of the save path, at least one
 */
export function selectMember<Member extends { readonly weight: number }>(
  members: readonly Member[],
  id: string,
): Member {
  const last = members[0];
  if (last === undefined) throw new RangeError('a pool has at least one server');
  if (members.length === 1) return last;
  const seed = Buffer.alloc(4);
  seed.write(id, 'utf8');
  let total = 0;
  for (const { weight } of members) total += weight;
  let position = seed.readUInt32LE() % total;
  for (let at = members.length - 1; at > 0; at--) {
    const member = members[at]!;
    if (position < member.weight) return member;
    position -= member.weight;
  }
  return last;
}
