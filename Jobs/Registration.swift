import ApiumCore

extension JobRegistry {
    /// Registers the jobs of the worker process; ``Notify`` is the bot's.
    public mutating func registerPriceWatchJobs(using services: PriceWatchServices) {
        register(AddProduct.self, using: services)
        register(RemoveWatch.self, using: services)
        register(UpdateChat.self, using: services)
        register(CheckDue.self, using: services)
        register(CheckPrice.self, using: services)
        register(RelayOutbox.self, using: services)
        register(MarkDelivered.self, using: services)
    }
}
