-- Names cells of months and adds to their sums. Comes before apply.lua and fill.lua, which use `add_cells`.
--
-- A month's cells, :c:<month>, a hash:
--   n                         how many cells and agents have numbers; '-' once there were too many cells: nothing else then
--   a<agent id>               the agent's number, from 0
--   <agent's number>,<labels> the cell's number, from 0; nothing before the comma without an agent
--   <chunk>                   sums of the month, of the cells numbered 12 * chunk to 12 * chunk + 11
-- Its days, :d:<month>, a hash:
--   <day of month * 128 + chunk>   sums of the day, of the same cells
-- A chunk is binary, little endian: its form (1 byte), which of its cells follow (2 bytes, a bit for each), then calls and ms
-- of each. Most are below 64 bytes, so that the hashes stay listpacks.
local CELLS_IN_CHUNK = 12
local CHUNKS_OF_DAY = 128
-- Widths of calls and ms in bytes, and the most that they hold.
local FORMS = { 'i1i3', 'i2i4', 'i4i8' }
local CALLS_MAX = { 127, 32767, math.huge }
local DURATION_MAX = { 8388607, 2147483647, math.huge }
-- `unpack` takes no more.
local FIELDS_AT_ONCE = 2000

-- Calls and ms by place in the chunk, from 0.
local function read_chunk(chunk)
  local calls, durations = {}, {}
  if chunk then
    local form, present, at = struct.unpack('<BI2', chunk)
    local places = {}
    for place = 0, CELLS_IN_CHUNK - 1 do
      if present % 2 == 1 then places[#places + 1] = place end
      present = math.floor(present / 2)
    end
    local numbers = { struct.unpack('<' .. string.rep(FORMS[form], #places), chunk, at) }
    for i, place in ipairs(places) do
      calls[place], durations[place] = numbers[2 * i - 1], numbers[2 * i]
    end
  end
  return calls, durations
end

local function write_chunk(calls, durations)
  local form, present, numbers = 1, 0, {}
  for place = 0, CELLS_IN_CHUNK - 1 do
    local c, d = calls[place], durations[place]
    if c and (c ~= 0 or d ~= 0) then
      present = present + 2 ^ place
      while math.abs(c) > CALLS_MAX[form] or math.abs(d) > DURATION_MAX[form] do form = form + 1 end
      numbers[#numbers + 1] = c
      numbers[#numbers + 1] = d
    end
  end
  return struct.pack('<BI2' .. string.rep(FORMS[form], #numbers / 2), form, present, unpack(numbers))
end

-- Values by field.
local function get_fields(key, fields)
  local values = {}
  for first = 1, #fields, FIELDS_AT_ONCE do
    local last = math.min(first + FIELDS_AT_ONCE - 1, #fields)
    for i, value in ipairs(redis.call('HMGET', key, unpack(fields, first, last))) do
      values[fields[first + i - 1]] = value
    end
  end
  return values
end

local function set_fields(key, fields_and_values)
  for first = 1, #fields_and_values, FIELDS_AT_ONCE do
    redis.call('HSET', key, unpack(fields_and_values, first, math.min(first + FIELDS_AT_ONCE - 1, #fields_and_values)))
  end
end

-- Numbers of names, in order. Names that have none get the next ones; they are appended to `added`.
local function number_names(key, names, count, added)
  local numbers = get_fields(key, names)
  for _, name in ipairs(names) do
    if not numbers[name] then
      numbers[name] = string.format('%d', count)
      count = count + 1
      added[#added + 1] = name
      added[#added + 1] = numbers[name]
    end
  end
  return numbers, count
end

local function add_chunks(key, sums)
  local fields, pairs_to_set = {}, {}
  for field in pairs(sums) do fields[#fields + 1] = field end
  local before = get_fields(key, fields)
  local is_new = false
  for i, field in ipairs(fields) do
    local calls, durations = read_chunk(before[field])
    for place, sum in pairs(sums[field]) do
      calls[place] = (calls[place] or 0) + sum[1]
      durations[place] = (durations[place] or 0) + sum[2]
    end
    is_new = is_new or not before[field]
    pairs_to_set[2 * i - 1], pairs_to_set[2 * i] = field, write_chunk(calls, durations)
  end
  set_fields(key, pairs_to_set)
  return is_new
end

local function sum_at(sums, field, place)
  local chunk = sums[field]
  if not chunk then
    chunk = {}
    sums[field] = chunk
  end
  local sum = chunk[place]
  if not sum then
    sum = { 0, 0 }
    chunk[place] = sum
  end
  return sum
end

-- Keeps no cells of a month any more, because there were too many.
local function drop_cells(month)
  redis.call('DEL', month.cells)
  if month.days then redis.call('DEL', month.days) end
  redis.call('HSET', month.cells, 'n', '-')
  redis.call('EXPIREAT', month.cells, month.cells_expiry)
end

-- Adds to the sums of one month's cells.
-- month: keys `cells` and `days` (nil if days are not kept any more), each with its expiry (epoch s), and `entries`, each
--   { agent id, labels, day of month (0: count it for the month only), calls, ms }
-- max: cells that a month may have. Once there would be more, everything is dropped, and stays so
local function add_cells(month, max)
  local head = redis.call('HGET', month.cells, 'n')
  if head == '-' then return end
  local cell_count, agent_count = string.match(head or '0 0', '^(%d+) (%d+)$')
  local known, agents, names = {}, {}, {}
  local function once(list, name)
    if not known[name] then
      known[name] = true
      list[#list + 1] = name
    end
  end
  for _, entry in ipairs(month.entries) do
    if entry[1] ~= '' then once(agents, 'a' .. entry[1]) end
  end
  local added = {}
  local agent_numbers, cell_numbers
  agent_numbers, agent_count = number_names(month.cells, agents, tonumber(agent_count), added)
  for _, entry in ipairs(month.entries) do
    entry.name = (agent_numbers['a' .. entry[1]] or '') .. ',' .. entry[2]
    once(names, entry.name)
  end
  cell_numbers, cell_count = number_names(month.cells, names, tonumber(cell_count), added)
  if cell_count > max then
    return drop_cells(month)
  end
  if #added > 0 then
    added[#added + 1] = 'n'
    added[#added + 1] = string.format('%d %d', cell_count, agent_count)
    set_fields(month.cells, added)
  end

  local sums, day_sums = {}, {}
  for _, entry in ipairs(month.entries) do
    local number = tonumber(cell_numbers[entry.name])
    local place = number % CELLS_IN_CHUNK
    local chunk = (number - place) / CELLS_IN_CHUNK
    local of_month = sum_at(sums, string.format('%d', chunk), place)
    of_month[1], of_month[2] = of_month[1] + entry[4], of_month[2] + entry[5]
    if month.days and entry[3] > 0 then
      local of_day = sum_at(day_sums, string.format('%d', entry[3] * CHUNKS_OF_DAY + chunk), place)
      of_day[1], of_day[2] = of_day[1] + entry[4], of_day[2] + entry[5]
    end
  end
  add_chunks(month.cells, sums)
  if not head then redis.call('EXPIREAT', month.cells, month.cells_expiry) end
  if next(day_sums) and add_chunks(month.days, day_sums) then
    redis.call('EXPIREAT', month.days, month.days_expiry)
  end
end

