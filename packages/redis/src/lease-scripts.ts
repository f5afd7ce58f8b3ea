import { createHash } from "node:crypto";

/** A script of the server, known to it by its digest once it was sent. */
export interface LeaseScript {
  readonly text: string;
  readonly sha: string;
}

/**
 * A name without a lease keeps its last token for this long. After that, and after the server lost it, tokens go on from
 * the server's time, which is further: they would have to be taken a million times a second to keep up with it.
 */
const keepTokenMs = 30 * 86_400_000;

// One text per name: until, token, owner; of a free one: 0, the last token, nothing. Instants are the server's, in whole
// microseconds, which a double holds exactly until the year 2255. A hash would be easier to read, and half as fast.
const prelude = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local lease = redis.call('GET', KEYS[1])
local ends, token, owner
if lease then
  ends, token, owner = string.match(lease, '^(%d+) (%d+) (.*)$')
  if not ends then return redis.error_reply('WRONGTYPE The key holds what is no lease.') end
end
local isHeld = lease and tonumber(ends) > now
`;

const hold = (ttlMs: string): string => `
local fields = string.format('%.0f %s %s', now + ${ttlMs} * 1000, token, ARGV[1])
redis.call('SET', KEYS[1], fields, 'PX', ${ttlMs} + ${keepTokenMs})
`;

const script = (steps: string): LeaseScript => {
  const text = `${prelude}${steps}`.trim();
  return { text, sha: createHash("sha1").update(text).digest("hex") };
};

/** ARGV: owner, ttlMs. Gives the token, or `{owner, expiresInMs}` of who holds it. */
export const acquireScript = script(`
if not isHeld then
  token = string.format('%.0f', math.max((token or 0) + 1, now))
elseif owner ~= ARGV[1] then
  return {owner, math.ceil((ends - now) / 1000)}
end
${hold("ARGV[2]")}
return token
`);

/** ARGV: owner, ttlMs, token. Gives 1, or 0 where it is not held so. */
export const renewScript = script(`
if not isHeld or owner ~= ARGV[1] or token ~= ARGV[3] then return 0 end
${hold("ARGV[2]")}
return 1
`);

/** ARGV: owner, origin, and the token where it is known. Gives 1 and tells the channel of the key, or 0 where it is not held so. */
export const releaseScript = script(`
if not isHeld or owner ~= ARGV[1] or (ARGV[3] and token ~= ARGV[3]) then return 0 end
redis.call('SET', KEYS[1], '0 ' .. token .. ' ', 'KEEPTTL')
redis.pcall('PUBLISH', KEYS[1], ARGV[2])
return 1
`);
