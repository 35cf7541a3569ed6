-- migration 0006 token_allowances
-- Both lists say what a token may enqueue; what is on neither is refused. allowed_jobs holds names and patterns, in which * stands for
-- any characters; allowed_queues holds names. Tokens that had no list keep what they could enqueue until now: the jobs of PriceWatch.

-- up
alter table api_tokens add column allowed_queues text[] not null default '{}';
update api_tokens set allowed_queues = '{celery,checks,interactive}' where 'jobs' = any(scopes) or 'schedule' = any(scopes);
update api_tokens set allowed_jobs = case when 'jobs' = any(scopes) or 'schedule' = any(scopes) then '{pricewatch.*}'::text[] else '{}' end
    where allowed_jobs is null;
alter table api_tokens alter column allowed_jobs set default '{}', alter column allowed_jobs set not null;

-- down
alter table api_tokens alter column allowed_jobs drop default, alter column allowed_jobs drop not null, drop column allowed_queues;
