-- Azure OpenAI resource log, category RequestResponse: one record per call.
-- source: https://learn.microsoft.com/en-us/azure/ai-foundry/openai/monitor-openai-reference
-- get: Diagnostic settings of the resource, category RequestResponse, to a storage account (container
--   insights-logs-requestresponse, PT1H.json), to an event hub or to Log Analytics (there: export the
--   rows of AzureDiagnostics as CSV).
-- beware: No tokens, no cost, no first token: those are only in the logs of API Management.
--   `correlationId` is not unique, so the id is made of it and of the request's time. `durationMs` may
--   be negative, then the two times count. The name of a deployment is the caller's, no model.
-- reads: json, csv
-- records: records
-- detect: coalesce(first->>'category', first->>'Category') in ('RequestResponse', 'Audit', 'Trace',
--   'AzureOpenAIRequestUsage') and contains(lower(coalesce(first->>'resourceId', first->>'ResourceId',
--   first->>'_ResourceId')), 'microsoft.cognitiveservices')
-- columns: "time" VARCHAR, "TimeGenerated [UTC]" VARCHAR, TimeGenerated VARCHAR, resourceId VARCHAR,
--   "_ResourceId" VARCHAR, category VARCHAR, operationName VARCHAR, correlationId VARCHAR,
--   resultSignature VARCHAR, durationMs VARCHAR, location VARCHAR, location_s VARCHAR, properties
--   VARCHAR, properties_s VARCHAR
-- One row per call.
with opened as (
    select
        *,
        coalesce(properties, properties_s) as about,
        coalesce(time_of("time"), time_of("TimeGenerated [UTC]"), time_of(TimeGenerated))
            as logged_at,
        coalesce(resourceId, "_ResourceId") as resource,
    from source
),

-- Properties are an object, or JSON text inside the JSON.
named as (
    select
        *,
        try(about->>[
            '$.requestTime', '$.responseTime', '$.streamType', '$.modelDeploymentName',
            '$.modelName', '$.objectId', '$.apiName', '$.modelVersion'
        ]) as named,
        http_code(resultSignature) as code,
    from opened
)

select
    record_file,
    record_line,
    correlationId || '#' || coalesce(named[1], epoch_us(logged_at)::varchar) as request_id,
    coalesce(time_of_ticks(named[1]), logged_at) as started_at,
    time_of_ticks(named[2]) as ended_at,
    case when try_cast(durationMs as double) >= 0 then durationMs end as duration_ms,
    'azure' as provider,
    named[5] as model_logged,
    named[4] as deployment,
    coalesce(known(location), known(location_s)) as region_logged,
    known(named[6]) as user_id,
    entries_but(
        {
            'account': nullif(lower(regexp_extract(resource, '(?i)/accounts/([^/]+)', 1)), ''),
            'api': known(named[7]),
            'operation': known(operationName)
        }::map(varchar, varchar),
        []
    ) as labels,
    case named[3] when 'Streaming' then true when 'Non-Streaming' then false end as stream,
    code as http_status,
    case
        when category <> 'RequestResponse' then 'ignored: not of the category RequestResponse'
        when regexp_matches(
            operationName, '(?i)(^|[_. ])(list|get|delete|cancel|upload|retrieve)|fine.?tun|file'
        ) then 'ignored: no model call'
    end as outcome
from named
