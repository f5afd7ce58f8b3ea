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

// One hash per name: owner, token, until. Instants are the server's, in microseconds, as text a double holds exactly.
const prelude = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local lease = redis.call('HMGET', KEYS[1], 'owner', 'token', 'until')
local isHeld = lease[1] and tonumber(lease[3]) > now
local function exact(number) return string.format('%.0f', number) end
local function hold(token, ttlMs)
  redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'token', token, 'until', exact(now + ttlMs * 1000))
  redis.call('PEXPIRE', KEYS[1], exact(ttlMs + ${keepTokenMs}))
end
`;

const script = (steps: string): LeaseScript => {
  const text = `${prelude}${steps}`.trim();
  return { text, sha: createHash("sha1").update(text).digest("hex") };
};

/** ARGV: owner, ttlMs. Gives `{1, token}`, or `{0, owner, expiresInMs}`. */
export const acquireScript = script(`
if isHeld and lease[1] ~= ARGV[1] then
  return {0, lease[1], math.ceil((lease[3] - now) / 1000)}
end
local token = lease[2]
if not isHeld then token = exact(math.max((token or 0) + 1, now)) end
hold(token, tonumber(ARGV[2]))
return {1, token}
`);

/** ARGV: owner, token, ttlMs. Gives 1, or 0 where it is not held so. */
export const renewScript = script(`
if not isHeld or lease[1] ~= ARGV[1] or lease[2] ~= ARGV[2] then return 0 end
hold(ARGV[2], tonumber(ARGV[3]))
return 1
`);

/** ARGV: owner, token or nothing, channel, origin. Gives 1 and tells the channel, or 0 where it is not held so. */
export const releaseScript = script(`
if not isHeld or lease[1] ~= ARGV[1] or (ARGV[2] ~= '' and lease[2] ~= ARGV[2]) then return 0 end
redis.call('HDEL', KEYS[1], 'owner', 'until')
redis.pcall('PUBLISH', ARGV[3], ARGV[4])
return 1
`);
