// GET / is a page of the products, read from SQLite, in the language of ?lang
// or of the variable SHOP_LANGUAGE. The same style sheet is served in both ways
// that ASP.NET Core knows: /css/site.css by MapStaticAssets, and
// /files/css/site.css by UseStaticFiles.
using System.Net;
using System.Text;
using Microsoft.Extensions.FileProviders;
using Shop.Store;
using Shop.Texts;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddSingleton<Catalog>();

var app = builder.Build();
app.UseStaticFiles(new StaticFileOptions
{
    RequestPath = "/files",
    FileProvider = new PhysicalFileProvider(Path.Combine(AppContext.BaseDirectory, "wwwroot")),
});
app.MapStaticAssets();

app.MapGet("/", (Catalog catalog, string? lang) =>
{
    var language = lang ?? Environment.GetEnvironmentVariable("SHOP_LANGUAGE") ?? "en";
    var title = WebUtility.HtmlEncode(Texts.Get("Title", language));
    var page = new StringBuilder($"<!doctype html><title>{title}</title><link rel=stylesheet href=/css/site.css><h1>{title}</h1><ul>");
    foreach (var (name, price) in catalog.Products())
    {
        page.Append($"<li>{WebUtility.HtmlEncode(name)}: {Texts.Get("Price", language)} {price / 100}.{price % 100:00}</li>");
    }
    page.Append($"</ul><p>SQLite {catalog.Engine} on {Environment.OSVersion}</p>");
    return Results.Content(page.ToString(), "text/html; charset=utf-8");
});

app.Run();
