-- Names cells of months and adds to their sums. Comes before apply.lua and fill.lua, which use `add_cells_from`.
--
-- A month's cells, :c:<month>, a hash:
--   n                         how many cells and agents have numbers; '-' once there were too many cells: nothing else then
--   a<agent id>               the agent's number, from 0
--   <agent's number>,<labels> the cell's number, from 0; nothing before the comma without an agent
--   <chunk>                   sums of the month, of the cells numbered 10 * chunk to 10 * chunk + 9
-- Its days, :d:<month>, a hash:
--   <day of month * 128 + chunk>   sums of the day, of the same cells
-- A chunk is binary, little endian: its form (1 byte), which of its cells follow (2 bytes, a bit for each), then calls and ms
-- of each. They are below 64 bytes, except of very large sums, so that the hashes stay listpacks.
local CELLS_IN_CHUNK = 10
local CHUNKS_OF_DAY = 128
local CHUNK_HEAD = '<BI2'
local CHUNK_HEAD_BYTES = 3
-- By form: calls and ms of a cell, their bytes, and the most that they hold.
local SUM = { '<i1i3', '<i2i4', '<i4i8' }
local SUM_BYTES = { 4, 6, 12 }
local CALLS_MAX = { 127, 32767, math.huge }
local DURATION_MAX = { 8388607, 2147483647, math.huge }
-- `unpack` takes no more than a few thousand.
local ARGUMENTS_AT_ONCE = 2000

-- A chunk in the next form, which holds larger sums.
local function widen(chunk)
  local form, present = struct.unpack(CHUNK_HEAD, chunk)
  local wide = { struct.pack(CHUNK_HEAD, form + 1, present) }
  for at = CHUNK_HEAD_BYTES + 1, #chunk, SUM_BYTES[form] do
    local calls, duration = struct.unpack(SUM[form], chunk, at)
    wide[#wide + 1] = struct.pack(SUM[form + 1], calls, duration)
  end
  return table.concat(wide)
end

-- A chunk after calls and ms were added to the cell at a place.
local function add_to_chunk(chunk, place, calls, duration)
  local form, present = struct.unpack(CHUNK_HEAD, chunk)
  local bit = 2 ^ place
  local index, below = 0, present % bit
  while below > 0 do
    index = index + below % 2
    below = math.floor(below / 2)
  end
  local at = CHUNK_HEAD_BYTES + 1 + index * SUM_BYTES[form]
  local behind, calls_sum, duration_sum = at, calls, duration
  if present % (2 * bit) >= bit then
    local calls_before, duration_before = struct.unpack(SUM[form], chunk, at)
    calls_sum, duration_sum = calls + calls_before, duration + duration_before
    behind = at + SUM_BYTES[form]
  else
    present = present + bit
  end
  if math.abs(calls_sum) > CALLS_MAX[form] or math.abs(duration_sum) > DURATION_MAX[form] then
    return add_to_chunk(widen(chunk), place, calls, duration)
  end
  return struct.pack(CHUNK_HEAD, form, present) .. string.sub(chunk, CHUNK_HEAD_BYTES + 1, at - 1)
    .. struct.pack(SUM[form], calls_sum, duration_sum) .. string.sub(chunk, behind)
end

-- The chunks of a hash that were asked for, to be written back.
local function chunks_of(key)
  return { key = key, values = {}, has_new = false }
end

local function add_to_hash(chunks, field, place, calls, duration)
  local chunk = chunks.values[field]
  if not chunk then
    chunk = redis.call('HGET', chunks.key, field)
    if not chunk then
      chunk = struct.pack(CHUNK_HEAD, 1, 0)
      chunks.has_new = true
    end
  end
  chunks.values[field] = add_to_chunk(chunk, place, calls, duration)
end

local function write_back(chunks)
  local arguments = {}
  for field, chunk in pairs(chunks.values) do
    arguments[#arguments + 1] = field
    arguments[#arguments + 1] = chunk
    if #arguments == ARGUMENTS_AT_ONCE then
      redis.call('HSET', chunks.key, unpack(arguments))
      arguments = {}
    end
  end
  if #arguments > 0 then redis.call('HSET', chunks.key, unpack(arguments)) end
end

-- Keeps no cells of a month any more, because there were too many.
local function drop_cells(month)
  redis.call('DEL', month.cells)
  if month.days then redis.call('DEL', month.days) end
  redis.call('HSET', month.cells, 'n', '-')
  redis.call('EXPIREAT', month.cells, month.cells_expiry)
end

-- Adds to the sums of one month's cells: `count` times agent id, labels, day of month (0: for the month only), calls and ms, in
-- the arguments from `at` on. Once there would be more than `max` cells, everything is dropped, and stays so.
local function add_cells(month, max, at, count)
  local counts, is_new
  local numbers = {}
  -- The number of a name; a name without one gets the next. Nil if the month has had too many cells.
  local function number_of(name, kind)
    local number = numbers[name] or redis.call('HGET', month.cells, name)
    if not number then
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
      number = string.format('%d', counts[kind])
      counts[kind] = counts[kind] + 1
      redis.call('HSET', month.cells, name, number)
    end
    numbers[name] = number
    return number
  end

  local sums, day_sums = chunks_of(month.cells), chunks_of(month.days)
  for i = at, at + 5 * (count - 1), 5 do
    local agent, calls, duration = ARGV[i], tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4])
    local agent_number = agent == '' and '' or number_of('a' .. agent, 'agents')
    local number = agent_number and number_of(agent_number .. ',' .. ARGV[i + 1], 'cells')
    if not number then return end
    local place = number % CELLS_IN_CHUNK
    local chunk = (number - place) / CELLS_IN_CHUNK
    add_to_hash(sums, tostring(chunk), place, calls, duration)
    if month.days and ARGV[i + 2] ~= '0' then
      add_to_hash(day_sums, tostring(ARGV[i + 2] * CHUNKS_OF_DAY + chunk), place, calls, duration)
    end
  end
  if counts then
    redis.call('HSET', month.cells, 'n', string.format('%d %d', counts.cells, counts.agents))
  end
  write_back(sums)
  write_back(day_sums)
  if is_new then redis.call('EXPIREAT', month.cells, month.cells_expiry) end
  if day_sums.has_new then redis.call('EXPIREAT', month.days, month.days_expiry) end
end

-- Adds what the arguments from `at` on say: how many cells a month may have, 0 for none at all; then for each month
--   its first UTC day, index of the key of its cells, expiry (epoch s), index of the key of their days (0: not kept any more),
--   expiry, n (-1: there are more cells than that), then n times what `add_cells` takes
-- from: first UTC day that is kept
local function add_cells_from(at, from)
  local max = tonumber(ARGV[at])
  at = at + 1
  while at <= #ARGV do
    local month = {
      cells = KEYS[tonumber(ARGV[at + 1])], cells_expiry = ARGV[at + 2],
      days = KEYS[tonumber(ARGV[at + 3])], days_expiry = ARGV[at + 4],
    }
    local is_kept, count = tonumber(ARGV[at]) >= from, tonumber(ARGV[at + 5])
    at = at + 6
    if is_kept and count < 0 then
      drop_cells(month)
    elseif is_kept then
      add_cells(month, max, at, count)
    end
    at = at + 5 * math.max(count, 0)
  end
end

