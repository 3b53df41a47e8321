"""What each cohort helper counts, as one would ask DuckDB for it by hand.

Exact repeats are one event where events are counted or added up.
"""

from benchmarks.log_queries import GAP, folder

_END = "TIMESTAMP '2025-03-05'"
"""Midnight after the last event of every log."""
_DAY = 86_400_000_000
TIMEOUTS = (5, 15, 30, 60)
"""Minutes."""


def _log(events: int) -> str:
    return f"'{folder(events)}/events.parquet'"


def _orders(events: int) -> str:
    return f"(SELECT DISTINCT * FROM {_log(events)} WHERE event = 'order')"


def _days(events: int) -> str:
    """Days on which users were active, as numbers."""
    day = "(occurred_at::DATE - DATE '1970-01-01')"
    return f"(SELECT DISTINCT user_id, {day} AS day FROM {_log(events)})"


def opening(events: int) -> str:
    """Rows, those that are not complete, the first and the last time."""
    incomplete = "user_id IS NULL OR event IS NULL OR occurred_at IS NULL"
    return f"""
        SELECT count(*), count(*) FILTER ({incomplete}), min(occurred_at), max(occurred_at)
        FROM {_log(events)}
    """


def actions(events: int) -> str:
    """Users and events of each name in the last 28 days, and all sessions."""
    return f"""
        WITH paused AS (
            SELECT user_id, event, epoch_us(occurred_at) - lag(epoch_us(occurred_at)) OVER (
                PARTITION BY user_id ORDER BY occurred_at) AS pause
            FROM (SELECT DISTINCT * FROM {_log(events)}
                WHERE occurred_at >= {_END} - INTERVAL 28 DAYS)
        ), users AS (
            SELECT user_id, event, count(*) AS n,
                count(*) FILTER (pause IS NULL OR pause > {GAP}) AS sessions
            FROM paused GROUP BY user_id, event
        )
        SELECT event, count(*), sum(n), (SELECT sum(sessions) FROM users) FROM users GROUP BY event
    """


def active_users(events: int) -> str:
    """Users of each day, of the 7 and of the 28 days that end with it."""
    return f"""
        WITH beside AS (
            SELECT day, lead(day) OVER (PARTITION BY user_id ORDER BY day) AS next
            FROM {_days(events)}
        )
        SELECT day + ahead AS last, count(*) FILTER (ahead = 0), count(*) FILTER (ahead < 7),
            count(*) FROM beside, (SELECT range AS ahead FROM range(28))
        WHERE next IS NULL OR next > day + ahead
        GROUP BY last HAVING last BETWEEN (SELECT min(day) + 27 FROM beside)
            AND (SELECT max(day) FROM beside)
    """


def stickiness(events: int) -> str:
    """Users by their active days of the last 28."""
    return f"""
        SELECT days, count(*) FROM (
            SELECT user_id, count(DISTINCT occurred_at::DATE) AS days FROM {_log(events)}
            WHERE occurred_at >= {_END} - INTERVAL 28 DAYS GROUP BY user_id)
        GROUP BY days
    """


def lifecycle(events: int) -> str:
    """Users of each whole week that are new, returning or resurrected."""
    return f"""
        WITH weeks AS (
            SELECT DISTINCT user_id, date_trunc('week', occurred_at)::DATE AS week
            FROM {_log(events)}
        ), beside AS (
            SELECT week, week - lag(week) OVER (PARTITION BY user_id ORDER BY week) AS days
            FROM weeks
        )
        SELECT week, count(*), count(*) FILTER (days IS NULL), count(*) FILTER (days = 7),
            count(*) FILTER (days > 7)
        FROM beside WHERE week + 7 <= {_END} GROUP BY week
    """


def daily_lifecycle(events: int) -> str:
    """Users of each day by when they were active before, and those silent for less than 7."""
    return f"""
        WITH beside AS (
            SELECT day, day - lag(day) OVER (PARTITION BY user_id ORDER BY day) AS since,
                lead(day) OVER (PARTITION BY user_id ORDER BY day) AS next
            FROM {_days(events)}
        ), silent AS (
            SELECT day + ahead AS day, count(*) AS users
            FROM beside, (SELECT range AS ahead FROM range(1, 7))
            WHERE next IS NULL OR next > day + ahead GROUP BY 1
        ), active AS (
            SELECT day, count(*) AS users, count(*) FILTER (since IS NULL) AS new,
                count(*) FILTER (since <= 7) AS current FROM beside GROUP BY day
        )
        SELECT day, active.users, new, current, coalesce(silent.users, 0)
        FROM active LEFT JOIN silent USING (day)
    """


def sessions(events: int) -> str:
    """Sessions of four timeouts, the seconds in them, and those of the median one of 30 minutes."""
    parts = " UNION ALL ".join(
        f"""
        SELECT {minutes} AS minutes, user_id, epoch_us(max(occurred_at)) -
            epoch_us(min(occurred_at)) AS microseconds
        FROM (SELECT user_id, occurred_at, sum(CASE WHEN pause > {60_000_000 * minutes} THEN 1
                ELSE 0 END) OVER (PARTITION BY user_id ORDER BY occurred_at) AS session FROM paused)
        GROUP BY user_id, session
        """
        for minutes in TIMEOUTS
    )
    return f"""
        WITH once AS (SELECT DISTINCT * FROM {_log(events)}), paused AS (
            SELECT user_id, occurred_at, epoch_us(occurred_at) - lag(epoch_us(occurred_at)) OVER (
                PARTITION BY user_id ORDER BY occurred_at) AS pause FROM once
        ), every AS ({parts})
        SELECT minutes, count(*), sum(microseconds) / 1e6, median(microseconds) / 1e6
        FROM every GROUP BY minutes
    """


def funnel(events: int) -> str:
    """Users with each of three steps after the best one before it, within 7 days of the first.

    With the median time from the first step to the others.
    """
    week = 7 * 86_400_000_000
    last = f"epoch_us({_END}) - {week}"
    window = "OVER (PARTITION BY user_id ORDER BY us)"
    return f"""
        WITH steps AS (
            SELECT DISTINCT user_id, epoch_us(occurred_at) AS us, event FROM {_log(events)}
            WHERE event IN ('open', 'cart', 'order')
        ), one AS (
            SELECT *, CASE WHEN event = 'open' AND us <= {last} THEN us END AS a FROM steps
        ), two AS (
            SELECT *, CASE WHEN event = 'cart' AND us <= max(a) {window} + {week}
                THEN max(a) {window} END AS b FROM one
        ), three AS (
            SELECT *, CASE WHEN event = 'order' AND us <= max(b) {window} + {week}
                THEN max(b) {window} END AS c FROM two
        ), users AS (
            SELECT user_id, max(a) AS a, max(b) AS b, max(c) AS c,
                arg_min(us - b, us) FILTER (b IS NOT NULL) AS to_b,
                arg_min(us - c, us) FILTER (c IS NOT NULL) AS to_c FROM three GROUP BY user_id
        )
        SELECT count(a), count(b), count(c), median(to_b) / 1e6, median(to_c) / 1e6 FROM users
    """


def paths(events: int) -> str:
    """Steps of users from one event to another with their median pause, and the first six steps.

    Repeats in a row are one step.
    """
    window = "OVER (PARTITION BY user_id ORDER BY occurred_at, event)"
    return f"""
        WITH once AS (SELECT DISTINCT * FROM {_log(events)}), ordered AS (
            SELECT user_id, occurred_at, event, lag(event) {window} AS before FROM once
        ), steps AS (
            SELECT user_id, event, row_number() {window} AS place, lead(event) {window} AS after,
                epoch_us(lead(occurred_at) {window}) - epoch_us(occurred_at) AS pause
            FROM ordered WHERE before IS NULL OR before <> event
        ), ways AS (
            SELECT user_id, event AS source, coalesce(after, 'path_end') AS target FROM steps
            UNION ALL SELECT user_id, 'path_start', event FROM steps WHERE place = 1
        ), users AS (
            SELECT user_id, source, target, count(*) AS n FROM ways GROUP BY user_id, source, target
        ), pauses AS (
            SELECT event AS source, after AS target, median(pause) / 1e6 AS seconds FROM steps
            WHERE after IS NOT NULL GROUP BY event, after
        )
        SELECT source, target, sum(n), count(*), coalesce(any_value(seconds), 0)
        FROM users LEFT JOIN pauses USING (source, target) GROUP BY source, target
        UNION ALL SELECT place::VARCHAR, event, count(*), count(DISTINCT user_id), 0 FROM steps
            WHERE place <= 6 GROUP BY place, event
    """


def aha(events: int) -> str:
    """Half of the users by how often they did what in 1, 3 and 7 days: shares, and phi of return.

    Return is an open on days 7 to 13.
    """
    day = f"passed < {_DAY} * "
    parts = " UNION ALL ".join(
        f"""
        SELECT event, least_times, {days} AS days, count(*) AS did, sum(met) AS stayed
        FROM chosen, (SELECT unnest([1, 2, 3, 5, 10]) AS least_times)
        WHERE times{days} >= least_times GROUP BY event, least_times
        """
        for days in (1, 3, 7)
    )
    return f"""
        WITH starts AS (
            SELECT user_id, min(occurred_at) AS start FROM {_log(events)} GROUP BY user_id
            HAVING start <= {_END} - INTERVAL 14 DAYS
        ), once AS (
            SELECT DISTINCT user_id, event, value, epoch_us(occurred_at) - epoch_us(start) AS passed
            FROM {_log(events)} JOIN starts USING (user_id)
            WHERE occurred_at < start + INTERVAL 14 DAYS
        ), pairs AS (
            SELECT user_id, event, count(*) FILTER ({day}1) AS times1,
                count(*) FILTER ({day}3) AS times3, count(*) FILTER ({day}7) AS times7,
                count(*) FILTER (event = 'open' AND passed >= 7 * {_DAY}) AS back
            FROM once GROUP BY user_id, event
        ), users AS (
            SELECT user_id, (sum(back) > 0)::INT AS met FROM pairs GROUP BY user_id
            HAVING md5('aha:' || user_id)[1] >= '8'
        ), chosen AS (SELECT * FROM pairs JOIN users USING (user_id)), cells AS ({parts}), base AS (
            SELECT count(*)::DOUBLE AS n, sum(met)::DOUBLE AS m FROM users
        )
        SELECT event, least_times, days, did / n,
            (stayed * n - did * m) / sqrt(did * (n - did) * m * (n - m))
        FROM cells, base
    """


def churn(events: int) -> str:
    """Users, and those that left: days from the first event to the last before 28 silent ones."""
    return f"""
        WITH beside AS (
            SELECT user_id, epoch_us(occurred_at) AS us, coalesce(lead(epoch_us(occurred_at)) OVER (
                PARTITION BY user_id ORDER BY occurred_at), epoch_us({_END})) AS next
            FROM {_log(events)}
        ), users AS (
            SELECT user_id, min(us) AS first,
                min(us) FILTER (next > us + 28 * {_DAY}) AS gone
            FROM beside GROUP BY user_id
        )
        SELECT count(*), count(*) FILTER ((gone - first) // {_DAY}
            < (epoch_us({_END}) - 28 * {_DAY} - first) // {_DAY}) FROM users
    """


def reasons(events: int) -> str:
    """Users by the last of two events."""
    return f"""
        SELECT event, count(*) FROM (
            SELECT user_id, arg_max(event, occurred_at) AS event FROM {_log(events)}
            WHERE event IN ('order', 'cart') GROUP BY user_id)
        GROUP BY event
    """


def inactivity(events: int) -> str:
    """Users by whether they have ten gaps between active days or more."""
    return f"""
        WITH gaps AS (
            SELECT user_id, day - lag(day) OVER (PARTITION BY user_id ORDER BY day) AS gap
            FROM {_days(events)}
        ), users AS (
            SELECT user_id, count(gap) AS gaps, quantile_disc(gap, 0.95) AS long FROM gaps
            GROUP BY user_id
        )
        SELECT gaps >= 10, count(*) FROM users GROUP BY 1
    """


def repeats(events: int) -> str:
    """Users with so many dates of orders or more, and those of them with another."""
    window = "OVER (PARTITION BY user_id ORDER BY day)"
    return f"""
        WITH dates AS (
            SELECT DISTINCT user_id, occurred_at::DATE AS day FROM {_log(events)}
            WHERE event = 'order'
        ), placed AS (
            SELECT row_number() {window} AS place, lead(day) {window} - day AS days FROM dates
        ), by_days AS (
            SELECT place, days, count(*) AS users FROM placed WHERE place < 6 GROUP BY place, days
        )
        SELECT place, sum(users), coalesce(sum(users) FILTER (days IS NOT NULL), 0) FROM by_days
        GROUP BY place
    """


def lifetime(events: int) -> str:
    """Users by month of the first order, and what they brought in its first week."""
    return f"""
        WITH firsts AS (
            SELECT user_id, min(occurred_at) AS first FROM {_orders(events)} GROUP BY user_id
        ), aged AS (
            SELECT strftime(first, '%Y-%m') AS cohort, user_id, value,
                (epoch_us(occurred_at) - epoch_us(first)) // (7 * 86400000000) AS week
            FROM {_orders(events)} JOIN firsts USING (user_id)
            WHERE first < TIMESTAMP '2025-02-01'
        )
        SELECT cohort, count(DISTINCT user_id), sum(value) FILTER (week = 0) FROM aged GROUP BY 1
    """


def rfm(events: int) -> str:
    """Users by fifths of the last order and of orders: how many, and what they brought."""
    return f"""
        WITH users AS (
            SELECT user_id, max(occurred_at) AS last, count(*) AS orders, sum(value) AS value
            FROM {_orders(events)} GROUP BY user_id
        ), scored AS (
            SELECT ntile(5) OVER (ORDER BY last) AS r, ntile(5) OVER (ORDER BY orders) AS f,
                ntile(5) OVER (ORDER BY value) AS m, value FROM users
        )
        SELECT sum(n), sum(value) FROM (
            SELECT r, f, m, count(*) AS n, sum(value) AS value FROM scored GROUP BY r, f, m)
    """


def tiers(events: int) -> str:
    """Users by month and by whether they have 5 events in it, or 10."""
    return f"""
        WITH once AS (SELECT DISTINCT * FROM {_log(events)}), amounts AS (
            SELECT user_id, date_trunc('month', occurred_at)::DATE AS month, count(*) AS n
            FROM once GROUP BY user_id, month
        ), moved AS (
            SELECT month, (n >= 5)::INT + (n >= 10)::INT AS tier,
                lag(n) OVER (PARTITION BY user_id ORDER BY month) AS before,
                lead(n) OVER (PARTITION BY user_id ORDER BY month) AS after FROM amounts
        )
        SELECT month, tier, count(*) FROM moved WHERE month < DATE '2025-03-01' AND tier > 0
        GROUP BY month, tier
    """


def health(events: int) -> str:
    """Rows without repeats, users, those of the busiest, and events and users of each name."""
    return f"""
        WITH once AS (SELECT DISTINCT * FROM {_log(events)}), users AS (
            SELECT user_id, event, count(*) AS n FROM once GROUP BY user_id, event
        ), ties AS (
            SELECT user_id, occurred_at, count(*) AS n FROM once GROUP BY user_id, occurred_at
        )
        SELECT event, sum(n), count(*), (SELECT count(*) FROM ties WHERE n > 1)
        FROM users GROUP BY event
    """
