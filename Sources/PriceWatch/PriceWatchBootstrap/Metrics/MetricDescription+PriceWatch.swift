extension MetricDescription {
    /// The metrics of PriceWatch's own processes.
    public static let priceWatch = [
        MetricDescription("http_requests_total", "Requests that the API answered, by route."),
        MetricDescription("http_request_duration_seconds", "How long the API took to answer, by route."),
        MetricDescription("chat_requests_total", "Requests of the bot over the API's WebSocket."),
        MetricDescription("chat_request_duration_seconds", "How long the API took to answer the bot."),
        MetricDescription("pricewatch_parser_pages_total", "Pages that the parser was asked for, by outcome."),
        MetricDescription("pricewatch_parser_page_duration_seconds", "How long fetching and reading a page took."),
    ]
}
