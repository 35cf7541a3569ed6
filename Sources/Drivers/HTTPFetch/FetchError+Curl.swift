import CCurl

/// libcurl's codes in our words. Its own detailed texts are not used: they may quote the address.
extension FetchError {
    init(libcurl code: CURLcode, host: String, timeOut: FetchError) {
        switch code {
        case CURLE_OPERATION_TIMEDOUT:
            self = timeOut
        case CURLE_URL_MALFORMAT:
            self.init(.badURL, "the address on \(host) can't be read")
        case CURLE_COULDNT_RESOLVE_HOST:
            self.init(.nameNotResolved, "the name \(host) has no address")
        case CURLE_COULDNT_CONNECT:
            self.init(.connectFailed, "nobody answers at \(host)")
        case CURLE_FILESIZE_EXCEEDED:
            self.init(.tooLarge, "\(host) announces a body that is larger than the limit")
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_CERTPROBLEM, CURLE_SSL_CRL_BADFILE, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            self.init(.tls, "no trusted TLS connection to \(host): \(String(cString: curl_easy_strerror(code)))")
        case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE, CURLE_HTTP2, CURLE_HTTP2_STREAM:
            self.init(.connectionLost, "\(host) ended the connection before its answer was whole")
        case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT:
            self.init(.system, "libcurl failed: \(String(cString: curl_easy_strerror(code)))")
        default:
            self.init(.badResponse, "\(host) answers something that can't be read: \(String(cString: curl_easy_strerror(code)))")
        }
    }
}
