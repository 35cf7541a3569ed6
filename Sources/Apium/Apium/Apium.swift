@_exported import ApiumCore
@_exported import ApiumRedis
