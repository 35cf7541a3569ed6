extension Setting {
    /// Where jobs wait.
    public static let brokerURL = Setting(
        "APIUM_BROKER_URL", default: "redis://127.0.0.1:6379/0", secret: true,
        "Redis with the jobs: redis://[user:password@]host:port/database; also rediss:// (TLS; see docs/configuration.md), redis+socket://, sentinel://.")
    /// Where results are kept.
    public static let resultBackend = Setting("APIUM_RESULT_BACKEND", secret: true, "Redis with the results; empty: the broker.")
    /// More about jobs.
    public static let apiumConfig = Setting("APIUM_CONFIG", "A YAML file with settings of Apium, such as queues and routes; see docs/configuration.md.")
    /// Postgres.
    public static let databaseURL = Setting(
        "PRICEWATCH_DATABASE_URL", default: "postgres://pricewatch@127.0.0.1:5432/pricewatch", secret: true, "PostgreSQL, for api and worker.")
    /// The parser's gRPC address.
    public static let parserAddress = Setting(
        "PRICEWATCH_PARSER_ADDRESS", default: "127.0.0.1:50051", "host:port where the parser listens and where api and worker find it.")
    /// Hosts that the parser may fetch from the local network.
    public static let parserAllowedHosts = Setting(
        "PRICEWATCH_PARSER_ALLOWED_HOSTS", "Comma list of host[:port] that the parser may fetch although they are local: for tests only; empty: none.")
    /// The card endpoint.
    public static let wildberriesCardURL = Setting(
        "PRICEWATCH_WILDBERRIES_CARD_URL", default: "https://card.wb.ru", "Base of the Wildberries card endpoint, for the parser.")
    /// Hosts whose links name a card.
    public static let wildberriesHosts = Setting(
        "PRICEWATCH_WILDBERRIES_HOSTS", default: "www.wildberries.ru,wildberries.ru",
        "Comma list of hosts whose /catalog/<number>/ links use the card endpoint.")
    /// Where the API listens.
    public static let apiHost = Setting("PRICEWATCH_API_HOST", default: "127.0.0.1", "Address on which the API listens.")
    /// The API's port.
    public static let apiPort = Setting("PRICEWATCH_API_PORT", default: "8000", "Port on which the API listens, with /admin and /ws.")
    /// What users type.
    public static let publicURL = Setting(
        "PRICEWATCH_PUBLIC_URL", default: "http://127.0.0.1:8080", "Address of the site as users see it; with https the admin's cookies are Secure.")
    /// The bot's token.
    public static let serviceToken = Setting(
        "PRICEWATCH_SERVICE_TOKEN", secret: true, "Token with which the bot speaks to the API, 32 characters or more; api and bot need it.")
    /// The API's WebSocket.
    public static let apiWebSocketURL = Setting(
        "PRICEWATCH_API_WS_URL", default: "ws://127.0.0.1:8000/ws", "The API's WebSocket, for the bot.")
    /// Telegram's token.
    public static let telegramToken = Setting("TELEGRAM_BOT_TOKEN", secret: true, "Token of the bot from @BotFather; the bot needs it.")
    /// Telegram's address.
    public static let telegramBaseURL = Setting("TELEGRAM_API_BASE_URL", default: "https://api.telegram.org", "Base of Telegram's Bot API.")
    /// How often prices are checked.
    public static let checkInterval = Setting(
        "PRICEWATCH_CHECK_INTERVAL", default: "3600", "Seconds between two checks of one product, where no user has chosen otherwise.")
    /// The shortest interval a user may choose.
    public static let checkIntervalMinimum = Setting(
        "PRICEWATCH_CHECK_INTERVAL_MINIMUM", default: "300", "The shortest interval that a user may choose, in seconds; for api and worker.")
    /// The longest interval a user may choose.
    public static let checkIntervalMaximum = Setting(
        "PRICEWATCH_CHECK_INTERVAL_MAXIMUM", default: "604800", "The longest interval that a user may choose, in seconds; for api and worker.")
    /// When followers are told of a link that fails.
    public static let failuresUntilTold = Setting(
        "PRICEWATCH_FAILURES_UNTIL_TOLD", default: "3", "Checks of a product that fail in a row until its followers are told.")
    /// When a product is paused.
    public static let failuresUntilPaused = Setting(
        "PRICEWATCH_FAILURES_UNTIL_PAUSED", default: "6", "Checks that fail in a row until a product is paused whose page is gone or is no product.")
    /// How long every price is kept.
    public static let historyDays = Setting(
        "PRICEWATCH_HISTORY_DAYS", default: "90", "Days for which every price is kept; older ones become one row per product and day.")
    /// How long what was sent is kept.
    public static let sentDays = Setting(
        "PRICEWATCH_SENT_DAYS", default: "30", "Days for which notifications, ended admin sessions and ended tokens are kept.")
    /// How fast one shop is asked.
    public static let shopRate = Setting(
        "PRICEWATCH_SHOP_RATE", default: "30/m", "How many scheduled checks of one shop may begin, over all workers: N/s, N/m or N/h; 0: any number.")
    /// How many pages of one shop are read at once.
    public static let shopConcurrency = Setting(
        "PRICEWATCH_SHOP_CONCURRENCY", default: "2", "How many scheduled checks of one shop may run at once, over all workers; 0: any number.")
    /// The most watches of one user.
    public static let watchesPerUser = Setting("PRICEWATCH_WATCHES_PER_USER", default: "100", "How many products one user may follow.")
    /// The first admin's name.
    public static let adminUser = Setting(
        "PRICEWATCH_ADMIN_USER", default: "admin", "Name of the first admin account, made at the API's start when there is none.")
    /// The first admin's password.
    public static let adminPassword = Setting(
        "PRICEWATCH_ADMIN_PASSWORD", secret: true, "Password of that first account, 10 characters or more; empty: no account is made.")
    /// How many jobs run at once.
    public static let workerConcurrency = Setting("APIUM_CONCURRENCY", default: "16", "How many jobs one worker runs at once.")
    /// Which queues a worker serves.
    public static let workerQueues = Setting("APIUM_QUEUES", "Comma list of queues that the worker serves; empty: interactive and checks.")
    /// Where the health servers listen.
    public static let healthHost = Setting("PRICEWATCH_HEALTH_HOST", default: "127.0.0.1", "Address of the health ports below.")
    /// The API's health port.
    public static let apiHealthPort = Setting(
        "PRICEWATCH_API_HEALTH_PORT", default: "0", "Port of the API's own /live, /ready and /metrics; 0: off (it serves /health on its own port too).")
    /// The worker's health port.
    public static let workerHealthPort = Setting("PRICEWATCH_WORKER_HEALTH_PORT", default: "0", "Port of the worker's /live, /ready and /metrics; 0: off.")
    /// Beat's health port.
    public static let beatHealthPort = Setting("PRICEWATCH_BEAT_HEALTH_PORT", default: "0", "Port of beat's /live, /ready and /metrics; 0: off.")
    /// The parser's health port.
    public static let parserHealthPort = Setting("PRICEWATCH_PARSER_HEALTH_PORT", default: "0", "Port of the parser's /live, /ready and /metrics; 0: off.")
    /// The bot's health port.
    public static let botHealthPort = Setting("PRICEWATCH_BOT_HEALTH_PORT", default: "0", "Port of the bot's /live, /ready and /metrics; 0: off.")
    /// Beat's schedule.
    public static let schedule = Setting("APIUM_SCHEDULE", default: "beat/schedule.yaml", "The schedule file, for beat.")
    /// What is logged.
    public static let logLevel = Setting("LOG_LEVEL", default: "info", "trace, debug, info, notice, warning, error or critical.")
    /// How it is logged.
    public static let logFormat = Setting("LOG_FORMAT", default: "text", "text for people, json for machines: one line per event, on standard error.")
    /// What is written of traces.
    public static let logSpans = Setting(
        "LOG_SPANS", default: "0", "Share of the traces, from 0 to 1, whose spans are written as JSON lines among the log; 0: nothing is traced.")
    /// Where settings are read from besides the environment.
    public static let envFile = Setting(
        "PRICEWATCH_ENV_FILE", "A file with settings to read instead of ./.env; read from the environment only, which wins over the file.")

    /// Every setting, in the order of `.env.example`, under the headings that stand there.
    public static let groups: [(title: String, settings: [Setting])] = [
        ("Jobs and results", [brokerURL, resultBackend, apiumConfig]),
        ("Database", [databaseURL]),
        ("Parser", [parserAddress, parserAllowedHosts, wildberriesCardURL, wildberriesHosts]),
        ("API and admin", [apiHost, apiPort, publicURL, serviceToken, apiWebSocketURL, adminUser, adminPassword]),
        ("Telegram", [telegramToken, telegramBaseURL]),
        (
            "Price checks",
            [
                checkInterval, checkIntervalMinimum, checkIntervalMaximum, failuresUntilTold, failuresUntilPaused, historyDays, sentDays, shopRate,
                shopConcurrency,
                watchesPerUser,
                workerConcurrency, workerQueues, schedule,
            ]
        ),
        ("Health", [healthHost, apiHealthPort, workerHealthPort, beatHealthPort, parserHealthPort, botHealthPort]),
        ("Logs", [logLevel, logFormat, logSpans]),
        ("This file", [envFile]),
    ]

    /// Every setting.
    public static let all = groups.flatMap(\.settings)

    /// The text of `.env.example`: each setting with its default and its line of explanation.
    public static var exampleFile: String {
        var text = """
            # Settings of PriceWatch's processes. Copy this file to .env and change what must differ.
            # Every line shows the default; an empty value means "not set". The environment wins over this file.

            """
        for group in groups {
            text += "\n# --- \(group.title)\n"
            for setting in group.settings { text += "\n# \(setting.help)\n\(setting.name)=\(setting.defaultValue ?? "")\n" }
        }
        return text
    }
}
