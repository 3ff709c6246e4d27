-- LiteLLM proxy, tables LiteLLM_Daily*Spend: one row per day, model, key and user, team or tag.
-- source: https://github.com/BerriAI/litellm/blob/main/schema.prisma
-- get: psql "$DATABASE_URL" -c "\copy (select * from \"LiteLLM_DailyTeamSpend\" where date >=
--   '2026-11-09') to 'daily.csv' csv header". JSON rows are read as well.
-- beware: No real row was seen, the columns are the schema's. The tables by user, team, organization
--   and tag tell of the same spend: read one of them (a request with two tags is in the tag table
--   twice). Prompt tokens have the cache inside. Spend is 0 as well where no price is known.
-- reads: json, csv
-- records: data
-- detect: json_exists(first, '$.api_requests') and json_exists(first, '$.successful_requests') and
--   json_exists(first, '$.custom_llm_provider') and json_exists(first, '$.date')
-- columns: date VARCHAR, user_id VARCHAR, team_id VARCHAR, organization_id VARCHAR, end_user_id
--   VARCHAR, agent_id VARCHAR, tag VARCHAR, api_key VARCHAR, model VARCHAR, model_group VARCHAR,
--   custom_llm_provider VARCHAR, mcp_namespaced_tool_name VARCHAR, endpoint VARCHAR, prompt_tokens
--   VARCHAR, completion_tokens VARCHAR, cache_read_input_tokens VARCHAR,
--   cache_creation_input_tokens VARCHAR, spend VARCHAR, api_requests VARCHAR
-- One row per aggregate.
select
    record_file,
    record_line,
    'usage' as bill_kind,
    known(custom_llm_provider) as provider,
    known(model) as model_logged,
    time_of(date) as starts_at,
    time_of(date) + interval 1 day as ends_at,
    known(organization_id) as project,
    entries_but(
        {
            'team': known(team_id),
            'tag': known(tag),
            'agent': known(agent_id),
            'user': left(sha256(known(user_id)), 16),
            'end_user': left(sha256(known(end_user_id)), 16),
            -- A hash already; a master key may stand there in clear.
            'api_key': left(sha256(known(api_key)), 16),
            'route': known(model_group),
            'endpoint': known(endpoint)
        }::map(varchar, varchar),
        []
    ) as labels,
    api_requests as requests,
    prompt_tokens as input_tokens,
    completion_tokens as output_tokens,
    cache_read_input_tokens as cache_read_tokens,
    cache_creation_input_tokens as cache_write_unknown_tokens,
    true as input_includes_cache,
    spend as amount_usd,
    case
        when known(mcp_namespaced_tool_name) is not null then 'ignored: a tool call'
        when try_cast(date as date) is null and date is not null
            then 'rejected: no readable day'
    end as outcome
from source
