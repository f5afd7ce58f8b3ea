import { createHash } from "node:crypto";

/** A script of the server, known to it by its digest once it was sent. */
export interface LeaseScript {
  readonly text: string;
  readonly sha: string;
}

/**
 * Milliseconds for which a name without a lease keeps its last token. After that, and after the server lost it, tokens go on
 * from the server's time, which is further: they would have to be taken a million times a second to keep up with it.
 */
export const keepTokenMs = 30 * 86_400_000;

// One value per name: a mark, until when (0: free), the token, the owner. Instants are the server's, in whole microseconds,
// which a double holds exactly until the year 2255. Numbers are binary, and a release overwrites the first of them: as text
// they would take twice as long to read and write, and a hash would take twice that.
const mark = "LKL1";
const prelude = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local lease = redis.call('GET', KEYS[1])
local kind, ends, token
if lease then
  if #lease >= 20 then kind, ends, token = struct.unpack('>c4dd', lease) end
  if kind ~= '${mark}' then return redis.error_reply('WRONGTYPE The key holds what is no lease.') end
end
`;

/** ARGV[2]: microseconds; ARGV[3]: milliseconds for which the key is kept. */
const hold = `redis.call('SET', KEYS[1], struct.pack('>c4dd', '${mark}', now + ARGV[2], token) .. ARGV[1], 'PX', ARGV[3])`;
const isMine = "lease and ends > now and string.sub(lease, 21) == ARGV[1]";

const script = (steps: string): LeaseScript => {
  const text = `${prelude}${steps}`.trim();
  return { text, sha: createHash("sha1").update(text).digest("hex") };
};

/** ARGV: owner, the lease's microseconds, the key's milliseconds. Gives the token, or `{owner, expiresInMs}` of who holds it. */
export const acquireScript = script(`
if not lease or ends <= now then
  token = math.max((token or 0) + 1, now)
else
  local owner = string.sub(lease, 21)
  if owner ~= ARGV[1] then return {owner, math.ceil((ends - now) / 1000)} end
end
${hold}
return token
`);

/** ARGV: owner, the lease's microseconds, the key's milliseconds, token. Gives 1, or 0 where it is not held so. */
export const renewScript = script(`
if not (${isMine} and token == tonumber(ARGV[4])) then return 0 end
${hold}
return 1
`);

/** ARGV: owner, origin, and the token where it is known. Gives 1 and tells the channel of the key, or 0 where it is not held so. */
export const releaseScript = script(`
if not (${isMine} and (not ARGV[3] or token == tonumber(ARGV[3]))) then return 0 end
redis.call('SETRANGE', KEYS[1], 4, '${"\\0".repeat(8)}')
redis.pcall('PUBLISH', KEYS[1], ARGV[2])
return 1
`);
