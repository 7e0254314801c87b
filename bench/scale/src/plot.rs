//! Rates over time as an SVG.

use std::path::Path;

use bench::Outcome;
use plotters::prelude::{
    BLACK, ChartBuilder, Color, IntoDrawingArea, LineSeries, PathElement, RGBColor, Rectangle, SVGBackend,
    SeriesLabelPosition, WHITE,
};

use crate::{
    clients::BIN_MINUTES,
    day::{LAST, OUTAGE},
};

/// A line.
pub(crate) struct Series {
    /// What the legend says.
    pub(crate) name: &'static str,
    /// Its colour.
    pub(crate) shade: Shade,
    /// Requests a second, one for each bin.
    pub(crate) rate: Vec<f64>,
}

/// A colour that can be told from the others in print and by the colour-blind (Okabe and Ito).
#[derive(Clone, Copy)]
pub(crate) enum Shade {
    Dark,
    Blue,
    Green,
    Red,
}

impl Shade {
    fn color(self) -> RGBColor {
        match self {
            Self::Dark => RGBColor(70, 70, 70),
            Self::Blue => RGBColor(0, 114, 178),
            Self::Green => RGBColor(0, 158, 115),
            Self::Red => RGBColor(213, 94, 0),
        }
    }
}

/// Draws them, and the outage behind them.
pub(crate) fn write(series: &[Series], path: &Path) -> Outcome {
    let area = SVGBackend::new(path, (960, 400)).into_drawing_area();
    area.fill(&WHITE)?;
    let highest = series.iter().flat_map(|series| &series.rate).copied().fold(0.0, f64::max);
    let top = highest * 1.1;
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..LAST, 0.0..top)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .x_labels(16)
        .x_label_formatter(&|minute| format!("{minute:.0}"))
        .y_label_formatter(&|rate| format!("{rate:.0}"))
        .x_desc("minutes of the clients' time")
        .y_desc("requests a second")
        .draw()?;
    let outage = Rectangle::new([(OUTAGE.0, 0.0), (OUTAGE.1, top)], BLACK.mix(0.08).filled());
    chart
        .draw_series([outage])?
        .label("service not reached")
        .legend(|(x, y)| Rectangle::new([(x, y - 5), (x + 16, y + 5)], BLACK.mix(0.08).filled()));
    for Series { name, shade, rate } in series {
        let color = shade.color();
        let points = rate.iter().zip(0_u32..).map(|(rate, bin)| ((f64::from(bin) + 0.5) * BIN_MINUTES, *rate));
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8)).draw()?;
    area.present()?;
    Ok(())
}
