import ApiumCore
import DynamicJSON
import Yams

extension Serializer {
    /// kombu's `yaml`: `application/x-yaml`, read and written as PyYAML's safe loader and dumper do.
    ///
    /// Reading turns YAML's timestamps and binary scalars into kombu's typed values (``ApiumCore/TypedValue``); writing turns
    /// dates, times with a date and bytes back. Types that YAML has no form for (decimal, time, UUID) are written as kombu's
    /// tagged objects, which PyYAML reads as dictionaries. Python's own tags (`!!python/…`) are refused.
    public static let yaml = Serializer(name: "yaml", contentType: "application/x-yaml", encode: YAMLWriter.bytes(of:), decode: YAMLReader.value(of:))
}
