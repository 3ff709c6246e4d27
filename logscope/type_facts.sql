-- What groups of requests are like: sizes, medians, commonest tasks and efforts.
-- Reads `typed` (the requests selected) and `groups_given` (place in it, group).
-- One row per group.
with members as (
    select typed.*, groups_given.code
    from typed join groups_given on typed.rowid = groups_given.place
),
tasks as (
    select code, task, count(*) as n_task
    from members where task is not null group by all
),
main_tasks as (
    select code, list(task order by n_task desc, task)[:3] as tasks,
        list(n_task order by n_task desc, task)[:3] as n_tasks
    from tasks group by code
),
efforts as (
    select
        code,
        max_by(reasoning_effort, struct_pack(n := n_effort, e := reasoning_effort)) as effort,
        max(n_effort) as n_effort
    from (
        select code, reasoning_effort, count(*) as n_effort
        from members where reasoning_effort is not null group by all
    )
    group by code
),
facts as (
    select
        code,
        count(*) as n,
        count(task) as n_task,
        avg((n_tools > 0)::integer) as with_tools,
        avg(has_images::integer) as with_images,
        avg(prompt_has_code::integer) as with_code,
        avg(stream::integer) as streamed,
        quantile_cont(input_tokens, [0.1, 0.5, 0.9]) as input_tokens,
        quantile_cont(n_messages, 0.5) as messages_p50,
        quantile_cont(max_output_tokens, 0.5) as max_output_tokens_p50,
        quantile_cont(n_tools, 0.5) as tools_p50,
        quantile_cont(prompt_steps, 0.5) as steps_p50,
        quantile_cont(prompt_questions, 0.5) as questions_p50,
        quantile_cont(prompt_chars, 0.5) as chars_p50,
        quantile_cont(output_tokens, 0.5) as output_tokens_p50,
        quantile_cont(cost_usd::double, 0.5) as cost_p50_usd,
        quantile_cont(ttft_ms, 0.5) as ttft_p50_ms,
        quantile_cont(duration_ms, 0.5) as duration_p50_ms,
    from members
    group by code
)
select facts.* exclude (input_tokens), input_tokens[1] as input_tokens_p10,
    input_tokens[2] as input_tokens_p50, input_tokens[3] as input_tokens_p90,
    tasks, n_tasks, effort, n_effort
from facts left join main_tasks using (code) left join efforts using (code)
order by code
