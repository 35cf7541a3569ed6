/// A product's page: the same look for all, the markup that each is there for.
struct ProductPage {
    let product: ShopProduct
    let language: Language
    let origin: String

    var html: String {
        let markup = ProductMarkup(product: product, origin: origin)
        let charset =
            product.markup == .windows1251 ? "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=windows-1251\">" : "<meta charset=\"utf-8\">"
        return """
            <!doctype html>
            <html lang="\(language.rawValue)"><head>\(charset)<meta name="viewport" content="width=device-width">
            <title>\(HTML.escaped(product.name)) — \(language.shop)</title>
            <link rel="canonical" href="\(HTML.escaped(origin + product.path))">
            \(markup.head)<style>\(HTML.style)</style></head>
            <body><main><p><a href="/?lang=\(language.rawValue)">\(language.back)</a></p>
            \(markup.body ?? plainBody)
            \(neighbours)</main></body></html>
            """
    }

    private var plainBody: String {
        """
        <article class="product"><img src="/pictures/\(product.id).png" alt="">
        <h1>\(HTML.escaped(product.name))</h1>
        <div class="price">\(HTML.amount(product))</div>
        <p>\(language.name(product.availability))</p></article>
        """
    }

    /// Prices of other products on the same page, as real shops have them.
    private var neighbours: String {
        let others = Catalogue.products.filter { $0.id != product.id && $0.article == nil && $0.currency == product.currency }.prefix(3)
        let items = others.map { "<li><a href=\"\($0.path)\">\(HTML.escaped($0.name))</a> <span class=\"price\">\(HTML.amount($0, $0.price * 2))</span></li>" }
        return items.isEmpty ? "" : "<aside><h2>\(language.similar)</h2><ul>\(items.joined())</ul></aside>"
    }
}

/// The empty page of an article, and the card that a script would fill it with.
struct CardShell {
    let product: ShopProduct
    let language: Language
    let origin: String

    var html: String {
        """
        <!doctype html>
        <html lang="\(language.rawValue)"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>\(language.shop)</title>
        <style>\(HTML.style)</style></head>
        <body><main><p><a href="/?lang=\(language.rawValue)">\(language.back)</a></p><article class="product" id="app"></article></main>
        <script>
        fetch("/cards/v4/detail?appType=1&curr=rub&dest=-1257786&spp=30&nm=\(product.article ?? 0)").then(function (r) { return r.json(); }).then(function (answer) {
            var card = answer.products[0], app = document.getElementById("app"), price = card.sizes[0].price;
            var image = new Image(), title = document.createElement("h1"), amount = document.createElement("div");
            image.src = "/pictures/\(product.id).png"; title.textContent = card.brand + " / " + card.name;
            amount.className = "price"; amount.textContent = price ? (price.product / 100).toLocaleString("ru") + " ₽" : "—";
            document.title = card.name; app.append(image, title, amount);
        });
        </script></body></html>
        """
    }
}

/// The JSON that the card endpoint answers with.
struct Card: Encodable {
    struct Price: Encodable {
        var basic: Int64
        var product: Int64
        var logistics = 0
    }

    struct Stock: Encodable {
        var wh = 507
        var qty: Int
    }

    struct Size: Encodable {
        var name = "0"
        var optionId = 1
        var price: Price?
        var stocks: [Stock]
    }

    struct Answer: Encodable {
        var products: [Card]
    }

    var id: Int64
    var brand = "Учебный"
    var name: String
    var totalQuantity: Int
    var sizes: [Size]

    init(_ product: ShopProduct) {
        let isThere = product.availability == .inStock
        id = product.article ?? 0
        name = product.name
        totalQuantity = isThere ? 12 : 0
        // A size that is sold out has no price.
        sizes = [Size(price: isThere ? Price(basic: product.price * 2, product: product.price) : nil, stocks: isThere ? [Stock(qty: 12)] : [])]
    }

    static func answer(_ products: [ShopProduct]) -> Answer { Answer(products: products.map(Card.init)) }
}
