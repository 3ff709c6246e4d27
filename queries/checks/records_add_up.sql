-- Every record of a file is stored, merged, ignored or rejected.
-- unit: records
-- grain: one row per file that breaks it
select path, records, stored, merged, ignored, rejected
from files
where records <> stored + merged + ignored + rejected
