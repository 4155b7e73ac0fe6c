-- Adds to sums of months by half-hour and by cell, and names the cells. Comes before apply.lua and fill.lua, which use
-- `add_detail_from`.
--
-- A month's cells, :c:<month>, a hash:
--   n                         how many cells and agents have numbers; '-' once there were too many cells: nothing else then
--   a<agent id>               the agent's number, from 0
--   <agent's number>,<labels> the cell's number, from 0; nothing before the comma without an agent
--   <chunk>                   sums of the month, of the cells numbered 10 * chunk to 10 * chunk + 9
-- Its days, :d:<month>, a hash:
--   <day of month * 128 + chunk>   sums of the day, of the same cells
-- Its half-hours, :h:<month>, a hash:
--   <chunk>                   sums of the half-hours numbered 12 * chunk to 12 * chunk + 11, from the first of the month, 0
-- A chunk is binary, little endian: its form (1 byte), which of its sums follow (2 bytes, a bit for each), then calls and ms
-- of each. They are below 64 bytes, except of large sums, so that the hashes of most users stay listpacks.
local CELLS_IN_CHUNK = 10
local CHUNKS_OF_DAY = 128
local HALF_HOURS_IN_CHUNK = 12
local CHUNK_HEAD = '<BI2'
-- By form: calls and ms, their bytes, and the most that they hold.
local SUM = { 'i1i3', 'i2i4', 'i4i8' }
local SUM_BYTES = { 4, 6, 12 }
local CALLS_MAX = { 127, 32767, math.huge }
local DURATION_MAX = { 8388607, 2147483647, math.huge }
-- `unpack` takes no more than a few thousand.
local FIELDS_AT_ONCE = 1000
local pack, unpacked, rep = struct.pack, struct.unpack, string.rep

-- Calls and ms of each sum of a chunk, in turn; of those that it has not, 0.
local function decode(chunk)
  local sums = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
  if not chunk then return sums end
  local form, present, at = unpacked(CHUNK_HEAD, chunk)
  -- All at once, since each call out of Lua costs more than what it does.
  local found = { unpacked('<' .. rep(SUM[form], (#chunk - at + 1) / SUM_BYTES[form]), chunk, at) }
  local i, from = 1, 1
  while present > 0 do
    local bit = present % 2
    if bit == 1 then sums[i], sums[i + 1], from = found[from], found[from + 1], from + 2 end
    present, i = (present - bit) / 2, i + 2
  end
  return sums
end

-- Sums without calls and ms are left out.
local function encode(sums)
  local form, present, bit, values, n = 1, 0, 1, {}, 0
  for i = 1, #sums, 2 do
    local calls, duration = sums[i], sums[i + 1]
    if calls ~= 0 or duration ~= 0 then
      present = present + bit
      values[n + 1], values[n + 2] = calls, duration
      n = n + 2
      while calls > CALLS_MAX[form] or -calls > CALLS_MAX[form]
        or duration > DURATION_MAX[form] or -duration > DURATION_MAX[form] do
        form = form + 1
      end
    end
    bit = 2 * bit
  end
  return pack(CHUNK_HEAD .. rep(SUM[form], n / 2), form, present, unpack(values))
end

-- Adds to chunks of a hash: by field, what is to be added to its calls and ms. Tells if any of them is new.
local function add_to_hash(key, added)
  local has_new = false
  local fields = {}
  local function flush()
    local chunks, written = redis.call('HMGET', key, unpack(fields)), {}
    for i, field in ipairs(fields) do
      has_new = has_new or not chunks[i]
      local sums = decode(chunks[i])
      for at, sum in pairs(added[field]) do sums[at] = sums[at] + sum end
      written[#written + 1] = field
      written[#written + 1] = encode(sums)
    end
    redis.call('HSET', key, unpack(written))
    fields = {}
  end
  for field in pairs(added) do
    fields[#fields + 1] = field
    if #fields == FIELDS_AT_ONCE then flush() end
  end
  if #fields > 0 then flush() end
  return has_new
end

-- Keeps no cells of a month any more, because there were too many.
local function drop_cells(month)
  redis.call('DEL', month.cells)
  if month.days then redis.call('DEL', month.days) end
  redis.call('HSET', month.cells, 'n', '-')
  redis.call('EXPIREAT', month.cells, month.cells_expiry)
end

-- Notes what is to be added to calls and ms at a place of a chunk, for `add_to_hash`.
local function note(added, field, place, calls, duration)
  local at, sums = 2 * place + 1, added[field]
  if sums then
    sums[at], sums[at + 1] = (sums[at] or 0) + calls, (sums[at + 1] or 0) + duration
  else
    added[field] = { [at] = calls, [at + 1] = duration }
  end
end

-- Adds to the sums of one month's half-hours. The JSON tells three numbers for each, in order: which, from 0, calls and ms.
local function add_half_hours(key, expiry, json)
  local sums, fields, firsts = cjson.decode(json), {}, {}
  for i = 1, #sums, 3 do
    local chunk = (sums[i] - sums[i] % HALF_HOURS_IN_CHUNK) / HALF_HOURS_IN_CHUNK
    if chunk ~= fields[#fields] then
      fields[#fields + 1] = chunk
      firsts[#firsts + 1] = i
    end
  end
  if #fields == 0 then return end
  firsts[#firsts + 1] = #sums + 1
  -- `unpack` takes them, since a month has 124 chunks.
  local chunks, written, has_new = redis.call('HMGET', key, unpack(fields)), {}, false
  for n = 1, #fields do
    has_new = has_new or not chunks[n]
    local all = decode(chunks[n])
    for i = firsts[n], firsts[n + 1] - 1, 3 do
      local at = 2 * (sums[i] % HALF_HOURS_IN_CHUNK) + 1
      all[at], all[at + 1] = all[at] + sums[i + 1], all[at + 1] + sums[i + 2]
    end
    written[2 * n - 1], written[2 * n] = fields[n], encode(all)
  end
  redis.call('HSET', key, unpack(written))
  if has_new then redis.call('EXPIREAT', key, expiry) end
end

-- Adds to the sums of one month's cells. The arguments from `first` on name the cells: an agent's id, how many cells are
-- theirs, and the labels of each; then the next agent. The one at `last` tells the sums as JSON, four numbers each: which of these
-- cells, from 1, day of month (0: for the month only), calls and ms. Once there would be more than `max` cells, everything
-- is dropped, and stays so.
local function add_cells(month, max, first, last)
  local counts, is_new
  -- The numbers of names; a name without one gets the next. Nil if the month has had too many cells.
  local function numbers_of(names, kind)
    if #names == 0 then return names end
    local numbers = redis.call('HMGET', month.cells, unpack(names))
    for i, name in ipairs(names) do
      if not numbers[i] then
        if not counts then
          local head = redis.call('HGET', month.cells, 'n')
          if head == '-' then return nil end
          is_new = not head
          local cell_count, agent_count = string.match(head or '0 0', '^(%d+) (%d+)$')
          counts = { cells = tonumber(cell_count), agents = tonumber(agent_count) }
        end
        if kind == 'cells' and counts.cells >= max then
          drop_cells(month)
          return nil
        end
        numbers[i] = string.format('%d', counts[kind])
        counts[kind] = counts[kind] + 1
        redis.call('HSET', month.cells, name, numbers[i])
      end
    end
    return numbers
  end

  local agents, agent_at = {}, {}
  local at = first
  while at < last do
    if ARGV[at] ~= '' then
      agents[#agents + 1] = 'a' .. ARGV[at]
      agent_at[at] = #agents
    end
    at = at + 2 + ARGV[at + 1]
  end
  local agent_numbers = numbers_of(agents, 'agents')
  if not agent_numbers then return end
  local names = {}
  at = first
  while at < last do
    local prefix = (agent_numbers[agent_at[at]] or '') .. ','
    local own_end = at + 1 + ARGV[at + 1]
    for i = at + 2, own_end do names[#names + 1] = prefix .. ARGV[i] end
    at = own_end + 1
  end
  local numbers = numbers_of(names, 'cells')
  if not numbers then return end
  if counts then
    redis.call('HSET', month.cells, 'n', string.format('%d %d', counts.cells, counts.agents))
  end

  local sums, day_sums = {}, {}
  local told = cjson.decode(ARGV[last])
  for i = 1, #told, 4 do
    local number, day, calls, duration = numbers[told[i]], told[i + 1], told[i + 2], told[i + 3]
    local place = number % CELLS_IN_CHUNK
    local chunk = (number - place) / CELLS_IN_CHUNK
    note(sums, chunk, place, calls, duration)
    if month.days and day ~= 0 then note(day_sums, day * CHUNKS_OF_DAY + chunk, place, calls, duration) end
  end
  add_to_hash(month.cells, sums)
  if is_new then redis.call('EXPIREAT', month.cells, month.cells_expiry) end
  if next(day_sums) and add_to_hash(month.days, day_sums) then
    redis.call('EXPIREAT', month.days, month.detail_expiry)
  end
end

-- Adds what the arguments from `at` on say: how many cells a month may have, 0 for no detail at all; then for each month
--   its first UTC day, index of the key of its cells, expiry (epoch s), index of the key of their days (0: these and half-hours
--   are not kept any more), index of the key of its half-hours, expiry of both, the sums by half-hour that `add_half_hours`
--   takes, n (-1: there are more cells than that), then n arguments that `add_cells` takes
-- from: first UTC day that is kept
local function add_detail_from(at, from)
  local max = tonumber(ARGV[at])
  at = at + 1
  while at <= #ARGV do
    local month = {
      cells = KEYS[tonumber(ARGV[at + 1])], cells_expiry = ARGV[at + 2],
      days = KEYS[tonumber(ARGV[at + 3])], detail_expiry = ARGV[at + 5],
    }
    local is_kept, count = tonumber(ARGV[at]) >= from, tonumber(ARGV[at + 7])
    if is_kept and month.days then
      add_half_hours(KEYS[tonumber(ARGV[at + 4])], month.detail_expiry, ARGV[at + 6])
    end
    at = at + 8
    if is_kept and count < 0 then
      drop_cells(month)
    elseif is_kept then
      add_cells(month, max, at, at + count - 1)
    end
    at = at + math.max(count, 0)
  end
end

