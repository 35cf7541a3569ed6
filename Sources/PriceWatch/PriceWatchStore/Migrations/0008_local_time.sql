-- migration 0008 local_time
-- What a user's clocks show, whatever their zone's name is worth: servers differ in the names they know, and one unknown name must fail
-- nobody's statement. Names that are abbreviations, too, were taken for these, which have no summer time; some names mean another zone on
-- each server.

-- up
-- An offset is cast: as a zone's name it would be taken the wrong way round (POSIX).
create function local_time(instant timestamptz, place text) returns timestamp language plpgsql stable as $$
begin
    return case when place ~ '^[+-]' then instant at time zone place::interval else instant at time zone coalesce(place, 'UTC') end;
exception when data_exception then
    return instant at time zone 'UTC';
end $$;

-- The instant at which a user's clocks show this.
create function local_instant(shown timestamp, place text) returns timestamptz language plpgsql stable as $$
begin
    return case when place ~ '^[+-]' then shown at time zone place::interval else shown at time zone coalesce(place, 'UTC') end;
exception when data_exception then
    return shown at time zone 'UTC';
end $$;

update users set time_zone = case time_zone
    when 'CET' then 'Europe/Brussels' when 'MET' then 'Europe/Brussels' when 'EET' then 'Europe/Athens' when 'WET' then 'Europe/Lisbon' end
where time_zone in ('CET', 'MET', 'EET', 'WET', 'localtime', 'posixrules', 'Factory');

-- down
drop function local_instant(timestamp, text);
drop function local_time(timestamptz, text);
