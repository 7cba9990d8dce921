"""The job records' atomic steps, in Lua: what runs inside Redis cannot be interrupted half-way.

Keys:
``unmix:job:{id}`` hash, one JSON value per field of JobRecord
``unmix:jobs``, ``unmix:jobs:{status}`` ids by time of creation; with ``@{owner}`` at the end those of an owner
``unmix:owned`` there once a job has had an owner
``unmix:ended`` ids by time of ending
``unmix:work:{work_key}`` the id that does that work or has done it
``unmix:lease:{id}`` there while a worker runs the job: the number of its attempt
``unmix:lease:{id}-{attempt}-{step}`` there while a worker runs this step of the attempt
"""

LISTS = """
-- Before scripts that change lists: a job is in those of all, and in those of its owner.
local function each_list(name, id, act)
  act(name)
  local owner = redis.call('HGET', 'unmix:job:' .. id, 'owner')
  if owner and owner ~= 'null' then
    redis.call('SET', 'unmix:owned', 1)
    act(name .. '@' .. string.sub(owner, 2, -2))
  end
end
local function enlist(name, score, id)
  each_list(name, id, function(list) redis.call('ZADD', list, score, id) end)
end
local function delist(name, id)
  each_list(name, id, function(list) redis.call('ZREM', list, id) end)
end
"""

RESERVE = """
-- ARGV: work key, id, created, how many jobs may wait, how many of this owner (either '' for any number), owner, then
-- field and value in turn. Returns the id that has the work, or 'full' or 'full of own' when no job may be added.
local work = 'unmix:work:' .. ARGV[1]
local holder = redis.call('GET', work)
if holder then
  local status = redis.call('HGET', 'unmix:job:' .. holder, 'status')
  if status == '"accepted"' or status == '"running"' or status == '"successful"' then return holder end
end
local id = ARGV[2]
local most, most_own = tonumber(ARGV[4]), tonumber(ARGV[5])
if most and redis.call('ZCARD', 'unmix:jobs:accepted') >= most then return 'full' end
if most_own and redis.call('ZCARD', 'unmix:jobs:accepted@' .. ARGV[6]) >= most_own then return 'full of own' end
redis.call('HSET', 'unmix:job:' .. id, unpack(ARGV, 7))
enlist('unmix:jobs', ARGV[3], id)
enlist('unmix:jobs:accepted', ARGV[3], id)
redis.call('SET', work, id)
return id
"""

RESTORE = """
-- ARGV: id, status, work key, created, finished or '', then field and value in turn. Enters what a queue has lost: a
-- job that it does not know, or the end of one. Returns the status that the job has now.
local id, to = ARGV[1], ARGV[2]
local job = 'unmix:job:' .. id
local quoted = redis.call('HGET', job, 'status')
if quoted then
  local status = string.sub(quoted, 2, -2)
  if to == 'accepted' or (status ~= 'accepted' and status ~= 'running') then return status end
  delist('unmix:jobs:' .. status, id)
  redis.call('DEL', 'unmix:lease:' .. id)
end
redis.call('HSET', job, unpack(ARGV, 6))
enlist('unmix:jobs', ARGV[4], id)
enlist('unmix:jobs:' .. to, ARGV[4], id)
if ARGV[5] ~= '' then redis.call('ZADD', 'unmix:ended', ARGV[5], id) end
local work = 'unmix:work:' .. ARGV[3]
if to == 'accepted' or to == 'successful' then
  redis.call('SET', work, id, 'NX')
elseif redis.call('GET', work) == id then
  redis.call('DEL', work)
end
return to
"""

MOVE = """
-- ARGV: id, comma-framed statuses to move from, attempt or '' for any, status to move to, now, lease in ms,
-- then field and value in turn. Returns the number of the attempt, or -1 when the job is elsewhere.
local id, to = ARGV[1], ARGV[4]
local job = 'unmix:job:' .. id
local quoted = redis.call('HGET', job, 'status')
if not quoted then return -1 end
local status = string.sub(quoted, 2, -2)
if not string.find(ARGV[2], ',' .. status .. ',', 1, true) then return -1 end
if ARGV[3] ~= '' and redis.call('HGET', job, 'attempts') ~= ARGV[3] then return -1 end
redis.call('HSET', job, 'status', '"' .. to .. '"', unpack(ARGV, 7))
local created = redis.call('ZSCORE', 'unmix:jobs', id)
delist('unmix:jobs:' .. status, id)
enlist('unmix:jobs:' .. to, created, id)
if to == 'running' then
  local attempt = redis.call('HINCRBY', job, 'attempts', 1)
  redis.call('SET', 'unmix:lease:' .. id, attempt, 'PX', ARGV[6])
else
  redis.call('DEL', 'unmix:lease:' .. id)
end
if to == 'successful' or to == 'failed' or to == 'dismissed' then
  redis.call('ZADD', 'unmix:ended', ARGV[5], id)
end
if to == 'failed' or to == 'dismissed' then
  local work = 'unmix:work:' .. string.sub(redis.call('HGET', job, 'work_key'), 2, -2)
  if redis.call('GET', work) == id then redis.call('DEL', work) end
end
return tonumber(redis.call('HGET', job, 'attempts'))
"""

TOUCH = """
-- ARGV: id, attempt, lease in ms, step or '', progress or '' when there is none to tell, then field and value in turn.
-- Returns 1 while the attempt has the job. Steps at the same time tell what they know in any order: progress that lies
-- behind what was told is dropped.
local job = 'unmix:job:' .. ARGV[1]
if redis.call('HGET', job, 'status') ~= '"running"' then return 0 end
if redis.call('HGET', job, 'attempts') ~= ARGV[2] then return 0 end
redis.call('SET', 'unmix:lease:' .. ARGV[1], ARGV[2], 'PX', ARGV[3])
if ARGV[4] ~= '' then
  redis.call('SET', 'unmix:lease:' .. ARGV[1] .. '-' .. ARGV[2] .. '-' .. ARGV[4], 1, 'PX', ARGV[3])
end
if ARGV[5] ~= '' and tonumber(ARGV[5]) >= tonumber(redis.call('HGET', job, 'progress')) then
  redis.call('HSET', job, unpack(ARGV, 6))
end
return 1
"""

LABEL = """
-- ARGV: id, label, how many labels a job has at most. Adds the label, unless the job has it; returns 1 when there is
-- the job.
local job = 'unmix:job:' .. ARGV[1]
if redis.call('EXISTS', job) == 0 then return 0 end
local labels = cjson.decode(redis.call('HGET', job, 'labels') or '[]')
for _, label in ipairs(labels) do
  if label == ARGV[2] then return 1 end
end
table.insert(labels, ARGV[2])
while #labels > tonumber(ARGV[3]) do table.remove(labels, 1) end
redis.call('HSET', job, 'labels', cjson.encode(labels))
return 1
"""

REMOVE = """
-- ARGV: id, and 'any' to forget it whatever its state. Forgets an ended job; returns 1 when there was one.
local id = ARGV[1]
local job = 'unmix:job:' .. id
if redis.call('EXISTS', job) == 0 then return 0 end
local quoted = redis.call('HGET', job, 'status')
local ended = quoted == '"successful"' or quoted == '"failed"' or quoted == '"dismissed"'
if not ended and ARGV[2] ~= 'any' then return 0 end
local work_key = redis.call('HGET', job, 'work_key')
if work_key then
  local work = 'unmix:work:' .. string.sub(work_key, 2, -2)
  if redis.call('GET', work) == id then redis.call('DEL', work) end
end
delist('unmix:jobs', id)
redis.call('ZREM', 'unmix:ended', id)
for _, status in ipairs({'accepted', 'running', 'successful', 'failed', 'dismissed'}) do
  delist('unmix:jobs:' .. status, id)
end
redis.call('DEL', job, 'unmix:lease:' .. id, 'unmix:log:' .. id)
return 1
"""
