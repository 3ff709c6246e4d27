-- logscope's own score format, CSV: what reviewers and checks thought of part of the answers.
-- writes: native_scores.csv
-- To ignore: a judge that gave no value. To reject: a value that is none, at no time.
-- One row per score.
with scored as (
    select
        *,
        unnest([
            struct_pack(
                name := 'correct',
                value := correct,
                source := if(request_no % 4 = 0, 'human', 'rule')
            ),
            struct_pack(
                name := 'tool_args_correct', value := tool_args_correct, source := 'rule'
            ),
            struct_pack(
                name := 'refusal_on_missing_record',
                value := refusal_on_missing_record,
                source := 'model'
            ),
        ]) as score,
    from truth
    -- A request, or a copy made for this file.
    where file = 'native_scores' or kind = 'request'
)

select
    request_id,
    score.name as name,
    case kind when 'ignored' then null when 'rejected' then 1.7 else score.value end as value,
    score.source as source,
    if(kind = 'rejected', 'some time later', iso_of(scored_us)) as scored_at,
from scored
where score.value is not null and (kind = 'request' or score.name = 'correct')
order by started_us, request_no, name
