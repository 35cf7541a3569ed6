import ApiumCore

extension JobRegistry {
    /// Registers the jobs of the worker process; ``Notify`` is the bot's.
    public mutating func registerPriceWatchJobs(using services: PriceWatchServices) {
        register(AddProduct.self, using: services)
        register(RemoveWatch.self, using: services)
        register(UpdateChat.self, using: services)
        register(MoveChat.self, using: services)
        register(CheckDue.self, using: services)
        register(CheckPrice.self, using: services)
        register(RelayOutbox.self, using: services)
        register(MarkDelivered.self, using: services)
        register(RestNotification.self, using: services)
        register(ChangeSettings.self, using: services)
        register(SetInterval.self, using: services)
        register(RetryWatch.self, using: services)
        register(SendDigests.self, using: services)
        register(TidyUp.self, using: services)
    }
}
