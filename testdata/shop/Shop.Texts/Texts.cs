using System.Globalization;
using System.Resources;

namespace Shop.Texts;

/// <summary>The words of the shop, in English and German.</summary>
public static class Texts
{
    private static readonly ResourceManager words = new("Shop.Texts.Words", typeof(Texts).Assembly);

    /// <summary>The text of that name, such as "Title", in a language such as "de".</summary>
    public static string Get(string name, string language) =>
        words.GetString(name, CultureInfo.GetCultureInfo(language)) ?? name;
}
