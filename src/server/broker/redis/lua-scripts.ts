/**
 * The scripts that run inside Redis, each as one step. Names from the wire are arguments or whole keys, never
 * parts of a command.
 *
 * The first argument of every script is the life of the Redis that answers (its `run_id`). Data that was stored in
 * another life may lack its end (a snapshot, a replica that lagged): it is trusted only if the asking server
 * remembers a position that it contains. `docs/decisions/0010-a-restarted-redis-needs-a-witness.md` says why.
 */
import { createHash } from 'node:crypto'

export interface RedisScript {
  readonly text: string
  readonly sha: string
}

const script = (text: string): RedisScript => ({
  text,
  sha: createHash('sha1').update(text).digest('hex'),
})

/** Arguments 2 and 3: the position of the channel that the asking server knows of. */
const CHANNEL = `
local call = redis.call
local life, seen, least = ARGV[1], ARGV[2], tonumber(ARGV[3])

local function believed(epoch, offset, its)
  if epoch == seen then return offset >= least end
  return its == life
end

local function silent(zset, hash, name)
  local its, epoch = string.match(call('HGET', hash, name) or '', '^(%S+) (%S+)$')
  if epoch and believed(epoch, 0, its) then return epoch end
end
`

/**
 * Appends a message and publishes it to all servers.
 * Keys: channel, stream, channels, silent names, silent epochs.
 * Arguments from 4: name, message without its closing brace, new epoch, now, size and age of the history,
 * age of a channel, topic to publish on. Returns epoch and offset.
 */
export const PUBLISH: RedisScript = script(`${CHANNEL}
local name, head, fresh, now = ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local kept = call('HMGET', KEYS[1], 'epoch', 'offset', 'life')
local epoch = kept[1]
if not epoch or not believed(epoch, tonumber(kept[2]), kept[3]) then
  epoch = not epoch and silent(KEYS[4], KEYS[5], name) or fresh
  call('HSET', KEYS[1], 'epoch', epoch, 'offset', 0)
  call('DEL', KEYS[2])
  call('ZREM', KEYS[4], name)
  call('HDEL', KEYS[5], name)
end
local offset = string.format('%.0f', call('HINCRBY', KEYS[1], 'offset', 1))
local text = head .. ',"offset":' .. offset .. '}'
call('HSET', KEYS[1], 'life', life, 'newest', text)
call('PEXPIRE', KEYS[1], ARGV[10])
call('XADD', KEYS[2], 'MAXLEN', '=', ARGV[8], offset .. '-0', 'at', now, 'text', text)
call('PEXPIRE', KEYS[2], ARGV[9])
call('ZADD', KEYS[3], now, name)
call('ZREMRANGEBYSCORE', KEYS[3], '-inf', '(' .. string.format('%.0f', now - ARGV[10]))
call('PEXPIRE', KEYS[3], ARGV[10])
call('PUBLISH', ARGV[11], epoch .. ' ' .. text)
return {epoch, offset}
`)

/**
 * Where a channel stands, and its messages from after an offset on. One without a message gets its epoch here;
 * only the newest so many of these are kept, so that asking fills no memory.
 * Keys: channel, stream, silent names, silent epochs.
 * Arguments from 4: name, offset, new epoch, now, silent channels kept, their age, the epoch that is of use after
 * '=' (empty: any), the most messages, the offset for which they count, and the bytes of an answer.
 * Returns epoch, offset, whether that is believed, the first entries of the stream, as many as make those bytes, and
 * the oldest offset that is there.
 */
export const HISTORY: RedisScript = script(`${CHANNEL}
local name, after, fresh, now = ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local kept = call('HMGET', KEYS[1], 'epoch', 'offset', 'life')
local epoch, offset, its = kept[1], tonumber(kept[2] or '0'), kept[3]
if epoch then
  -- A server that remembers no position changes nothing: another one may know more.
  if seen ~= '' then
    if not believed(epoch, offset, its) then
      epoch, offset, its = fresh, 0, ''
      call('HSET', KEYS[1], 'epoch', epoch, 'offset', offset)
      call('DEL', KEYS[2])
    end
    if its ~= life then call('HSET', KEYS[1], 'life', life) end
    its = life
  end
  local entries, bytes, from, limit = {}, 0, after + 1, tonumber(ARGV[11])
  if (ARGV[10] ~= '' and ARGV[10] ~= '=' .. epoch) or offset - ARGV[12] > limit then from = offset + 1 end
  from = math.max(from, offset - limit + 1)
  while from <= offset and bytes < tonumber(ARGV[13]) do
    local part = call('XRANGE', KEYS[2], string.format('%.0f', from), '+', 'COUNT', 50)
    if #part == 0 then break end
    for _, entry in ipairs(part) do
      entries[#entries + 1] = entry
      bytes = bytes + #entry[2][4]
      from = tonumber(string.match(entry[1], '^%d+')) + 1
      if bytes >= tonumber(ARGV[13]) then break end
    end
  end
  local oldest = string.format('%.0f', offset - call('XLEN', KEYS[2]) + 1)
  return {epoch, string.format('%.0f', offset), its == life and 1 or 0, entries, oldest}
end
epoch = silent(KEYS[3], KEYS[4], name) or fresh
call('ZADD', KEYS[3], now, name)
call('HSET', KEYS[4], name, life .. ' ' .. epoch)
if call('ZCARD', KEYS[3]) > tonumber(ARGV[8]) then
  call('HDEL', KEYS[4], call('ZPOPMIN', KEYS[3])[1])
end
call('PEXPIRE', KEYS[3], ARGV[9])
call('PEXPIRE', KEYS[4], ARGV[9])
return {epoch, '0', 1, {}, '1'}
`)

/** Keys: channels. Returns for each its epoch and offset, or nothing. */
export const HEADS: RedisScript = script(`
local heads = {}
for index, key in ipairs(KEYS) do
  heads[index] = redis.call('HMGET', key, 'epoch', 'offset')
end
return heads
`)

/** Keys: a channel. Returns epoch, offset and newest message. */
export const NEWEST: RedisScript = script(`
return redis.call('HMGET', KEYS[1], 'epoch', 'offset', 'newest')
`)

/** Keys: channels. Argument 2: how many, newest first. */
export const CHANNELS: RedisScript = script(`
return redis.call('ZRANGE', KEYS[1], 0, ARGV[2] - 1, 'REV')
`)

/**
 * Keys: the incarnation of a session that `tok` names, and its refusals. Arguments 2 to 6: this server, the last `seq`
 * that it knows to be used up (-1: it knows of none), 1 if it may judge others dead, the prefix of the keys of living
 * servers, `tok`.
 */
const SESSION = `
local call = redis.call
local life, me, least, judge, servers, given =
  ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1', ARGV[5], ARGV[6]
local kept = call('HMGET', KEYS[1], 'tok', 'gen', 'last', 'confirmed', 'owner', 'busy', 'turn', 'life', 'done')
local tok, gen, last, confirmed, owner, busy, turn, its, done =
  kept[1], tonumber(kept[2]), tonumber(kept[3]), kept[4] == '1', kept[5], kept[6], kept[7], kept[8], kept[9]
if tok then
  local good = its == life
  if owner == me and least >= 0 then good = last >= least end
  if not good then tok = false end
end

local function applying()
  return busy ~= '' and (not judge or call('EXISTS', servers .. busy) == 1)
end
`

/**
 * Keys 3 to 5: the incarnations of the session in the order of their beginning, and what a new one is stored in.
 * Arguments from 7: `gen`, its time to live, a new `tok`, the prefix of the topics of takeovers,
 * the incarnation's name for that, incarnations kept, the prefixes of their keys.
 * Returns 'stale', 'busy', or `tok`, `gen`, `last` and the refusals.
 */
export const CONTACT: RedisScript = script(`${SESSION}
local new, ttl, fresh = tonumber(ARGV[7]), ARGV[8], ARGV[9]
if tok then
  if new < gen then return 'stale' end
  if owner ~= me then
    call('HSET', KEYS[1], 'owner', me)
    call('PUBLISH', ARGV[10] .. owner, ARGV[7] .. ' ' .. ARGV[11])
  end
  if applying() then return 'busy' end
  call('HSET', KEYS[1], 'gen', ARGV[7], 'confirmed', '1', 'busy', '', 'turn', '', 'life', life)
  call('PEXPIRE', KEYS[1], ttl)
  call('PEXPIRE', KEYS[2], ttl)
  call('PEXPIRE', KEYS[3], math.max(call('PTTL', KEYS[3]), ttl))
  return {tok, ARGV[7], string.format('%.0f', last), call('LRANGE', KEYS[2], 0, -1)}
end

local function forget(name)
  call('ZREM', KEYS[3], name)
  call('DEL', ARGV[13] .. name, ARGV[14] .. name)
end

-- The incarnation that is kept under this name is not trusted.
if given ~= '' then forget(given) end
local count, unconfirmed, newest, after = 0, nil, nil, 0
for _, name in ipairs(call('ZRANGE', KEYS[3], 0, -1)) do
  local state = call('HGET', ARGV[13] .. name, 'confirmed')
  if state then
    count = count + 1
    newest = name
    if state ~= '1' then unconfirmed = name end
    after = tonumber(call('ZSCORE', KEYS[3], name))
  else
    forget(name)
  end
end
if count >= tonumber(ARGV[12]) then forget(unconfirmed or newest) end
call('HSET', KEYS[4], 'tok', fresh, 'gen', ARGV[7], 'last', '0', 'confirmed', '0', 'owner', me,
  'busy', '', 'turn', '', 'done', '', 'life', life)
call('PEXPIRE', KEYS[4], ttl)
call('ZADD', KEYS[3], after + 1, fresh)
call('PEXPIRE', KEYS[3], math.max(call('PTTL', KEYS[3]), ttl))
return {fresh, ARGV[7], '0', {}}
`)

/** Arguments from 7: `seq`, a name for this turn. Returns 'lost', 'busy', or the last `seq` used up. */
export const BEGIN: RedisScript = script(`${SESSION}
if not tok or tok ~= given or owner ~= me then return 'lost' end
if its ~= life then call('HSET', KEYS[1], 'life', life) end
if tonumber(ARGV[7]) == last + 1 then
  if (busy ~= me or turn ~= ARGV[8]) and applying() then return 'busy' end
  call('HSET', KEYS[1], 'busy', me, 'turn', ARGV[8])
end
return string.format('%.0f', last)
`)

/**
 * Arguments from 7: `seq`, the name of the turn, 1 if that was begun, the refusal or nothing, refusals kept.
 * Returns 1 if the `seq` was used up by this turn. The script may run a second time for the same turn.
 */
export const ADVANCE: RedisScript = script(`${SESSION}
local seq = tonumber(ARGV[7])
if not tok or tok ~= given then return 0 end
if seq == last and done == ARGV[8] then return 1 end
if seq ~= last + 1 then return 0 end
if ARGV[9] == '1' and (busy ~= me or turn ~= ARGV[8]) then return 0 end
call('HSET', KEYS[1], 'last', ARGV[7], 'confirmed', '1', 'busy', '', 'turn', '', 'done', ARGV[8],
  'life', life)
if ARGV[10] ~= '' then
  call('RPUSH', KEYS[2], ARGV[10])
  call('LTRIM', KEYS[2], -ARGV[11], -1)
  call('PEXPIRE', KEYS[2], math.max(call('PTTL', KEYS[1]), 1))
end
return 1
`)

/** Key 3: the incarnations of the session. Arguments from 7: its time to live. A connection that is open counts as a use. */
export const TOUCH: RedisScript = script(`${SESSION}
if not tok or tok ~= given then return 0 end
call('HSET', KEYS[1], 'confirmed', '1')
call('PEXPIRE', KEYS[1], ARGV[7])
call('PEXPIRE', KEYS[2], ARGV[7])
call('PEXPIRE', KEYS[3], math.max(call('PTTL', KEYS[3]), ARGV[7]))
return 1
`)
