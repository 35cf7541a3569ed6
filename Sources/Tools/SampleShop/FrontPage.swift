/// The list of all products, with links to copy and forms to change them.
struct FrontPage {
    let products: [ShopProduct]
    let language: Language
    let origin: String

    var html: String {
        """
        <!doctype html>
        <html lang="\(language.rawValue)"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <title>\(language.shop)</title><style>\(HTML.style)</style></head>
        <body><main>
        <p style="float:right"><a href="/?lang=\(language.other.rawValue)">\(language.otherName)</a></p>
        <h1>\(language.shop)</h1>
        <p class="note">\(language.intro)</p>
        <ul class="grid">\(products.map(card).joined())</ul>
        </main>
        <script>
        document.addEventListener("click", function (event) {
            var button = event.target.closest("button[data-link]");
            if (!button) return;
            var link = button.dataset.link, before = button.textContent;
            function done() { button.textContent = "\(language.copied)"; setTimeout(function () { button.textContent = before; }, 1200); }
            if (navigator.clipboard) { navigator.clipboard.writeText(link).then(done); return; }
            var area = document.createElement("textarea");
            area.value = link; document.body.append(area); area.select(); document.execCommand("copy"); area.remove(); done();
        });
        </script></body></html>
        """
    }

    private func card(_ product: ShopProduct) -> String {
        let link = HTML.escaped(origin + product.path)
        let options = ShopAvailability.allCases.map { option in
            "<option value=\"\(option.rawValue)\"\(option == product.availability ? " selected" : "")>\(language.name(option))</option>"
        }
        return """
            <li class="card" id="\(product.id)">
            <img src="/pictures/\(product.id).png" alt="">
            <a href="\(link)"><b>\(HTML.escaped(product.name))</b></a>
            <div class="price">\(HTML.amount(product))</div>
            <small>\(language.name(product.availability)) · \(HTML.escaped(product.markup.rawValue))</small>
            <form method="post" action="/products/\(product.id)/price?lang=\(language.rawValue)">
            <input name="price" value="\(product.decimalPrice)" inputmode="decimal" aria-label="\(language.price)">
            <select name="availability" aria-label="\(language.availability)">\(options.joined())</select>
            <button>\(language.save)</button>
            <button type="button" class="plain" data-link="\(link)">\(language.copy)</button>
            </form></li>
            """
    }
}
